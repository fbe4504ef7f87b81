"""How the classes lie apart: in the representations of sequences, and by a few tokens alone."""


rule clustering:
    input:
        model="<results>/model/finetuned",
        split="<results>/dataset/test.arrow",
        sequences="<results>/activations/sequences.tsv",
        hidden_states="<results>/activations/hidden_states.npy",
        cls="<results>/activations/cls.npy",
    output:
        table="<results>/geometry/clustering.tsv",
        components="<results>/geometry/clustering/components.tsv",
        sequences="<results>/geometry/clustering/sequences.parquet",
        maps="<results>/geometry/clustering/maps.parquet",
    log:
        "<logs>/geometry/clustering.log",
    benchmark:
        "<benchmarks>/geometry/clustering.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    params:
        layers=lookup("analyses/clustering/layers", within=config),
        selected_classes=lookup("analyses/clustering/classes", within=config),
        sequences_per_class=lookup(
            "analyses/clustering/sequences_per_class", within=config
        ),
        components=lookup("analyses/clustering/components", within=config),
        neighbours=lookup("analyses/clustering/neighbours", within=config),
        min_cluster_size=lookup("analyses/clustering/min_cluster_size", within=config),
        perplexity=lookup("analyses/clustering/perplexity", within=config),
        umap_neighbours=lookup("analyses/clustering/umap_neighbours", within=config),
        classes=lookup("classes", within=config),
        confidence=lookup("evaluation/confidence", within=config),
        seed=lookup("seed", within=config),
        library=code_of("clustering"),
    message:
        "Clustering the representations of the test sequences"
    script:
        "../scripts/clustering.py"


rule plot_clustering:
    input:
        table="<results>/geometry/clustering.tsv",
        components="<results>/geometry/clustering/components.tsv",
        maps="<results>/geometry/clustering/maps.parquet",
    output:
        png=report(
            "<results>/geometry/clustering.png",
            caption="../report/clustering.rst",
            category="5 Geometry",
            labels={"figure": "Clustering"},
        ),
        svg="<results>/geometry/clustering.svg",
        html=report(
            "<results>/geometry/clustering/maps.html",
            caption="../report/clustering_maps.rst",
            category="5 Geometry",
            labels={"figure": "Clustering in three dimensions"},
        ),
    log:
        "<logs>/geometry/plot_clustering.log",
    conda:
        "../../envs/plots.yaml"
    params:
        classes=lookup("classes", within=config),
        selected_classes=lookup("analyses/clustering/classes", within=config),
        library=code_of("plot_clustering"),
    message:
        "Drawing the clusters of the test sequences"
    script:
        "../scripts/plot_clustering.py"


rule one_vs_all:
    input:
        model="<results>/model/finetuned",
        train="<results>/dataset/train.arrow",
        test="<results>/dataset/test.arrow",
        vocabulary="<results>/dataset/vocabulary.txt",
    output:
        table="<results>/geometry/one_vs_all.tsv",
        positions=report(
            "<results>/geometry/one_vs_all/positions.tsv",
            caption="../report/one_vs_all_positions.rst",
            category="5 Geometry",
            labels={"table": "One class against the rest: positions"},
        ),
        slots="<results>/geometry/one_vs_all/slots.parquet",
    log:
        "<logs>/geometry/one_vs_all.log",
    benchmark:
        "<benchmarks>/geometry/one_vs_all.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    params:
        selected_classes=lookup("analyses/one_vs_all/classes", within=config),
        positions=lookup("analyses/one_vs_all/positions", within=config),
        sequences_per_class=lookup(
            "analyses/one_vs_all/sequences_per_class", within=config
        ),
        residual=lookup("analyses/one_vs_all/residual", within=config),
        random_draws=lookup("analyses/one_vs_all/random_draws", within=config),
        steps=lookup("analyses/one_vs_all/steps", within=config),
        learning_rate=lookup("analyses/one_vs_all/learning_rate", within=config),
        classes=lookup("classes", within=config),
        k=lookup("dataset/k", within=config),
        stride=lookup("dataset/stride", within=config),
        analysed_per_class=lookup("dataset/analysed_per_class", within=config),
        bootstrap=lookup("evaluation/bootstrap", within=config),
        confidence=lookup("evaluation/confidence", within=config),
        seed=lookup("seed", within=config),
        library=code_of("one_vs_all"),
    message:
        "Telling each class from the rest by a few positions"
    script:
        "../scripts/one_vs_all.py"


rule plot_one_vs_all:
    input:
        table="<results>/geometry/one_vs_all.tsv",
        positions="<results>/geometry/one_vs_all/positions.tsv",
        domains=lookup("reference/domains", within=config),
    output:
        png=report(
            "<results>/geometry/one_vs_all.png",
            caption="../report/one_vs_all.rst",
            category="5 Geometry",
            labels={"figure": "One class against the rest"},
        ),
        svg="<results>/geometry/one_vs_all.svg",
    log:
        "<logs>/geometry/plot_one_vs_all.log",
    conda:
        "../../envs/plots.yaml"
    params:
        classes=lookup("classes", within=config),
        selected_classes=lookup("analyses/one_vs_all/classes", within=config),
        library=code_of("plot_one_vs_all"),
    message:
        "Drawing how a few positions tell each class"
    script:
        "../scripts/plot_one_vs_all.py"
