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
        bootstrap=lookup("evaluation/bootstrap", within=config),
        confidence=lookup("evaluation/confidence", within=config),
        seed=lookup("seed", within=config),
        library=digest(
            "dataset.encoding",
            "errors",
            "evaluation.separability",
            "evaluation.summaries",
            "geometry.clustering",
            "geometry.selection",
            "logs",
            "model.weights",
            "tables",
        ),
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
        library=digest("figures.clustering", "figures.style", "logs", "tables"),
    message:
        "Drawing the clusters of the test sequences"
    script:
        "../scripts/plot_clustering.py"
