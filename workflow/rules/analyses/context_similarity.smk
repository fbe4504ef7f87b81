"""Find the similar pairs of k-mers after every head and layer, and what is common to them, in every sequence."""


rule context_similarity:
    input:
        model=network_model,
        vocabulary="<results>/dataset/vocabulary.txt",
        sequences="<results>/{network}activations/sequences.tsv",
        hidden_states="<results>/{network}activations/hidden_states.npy",
        tokens="<results>/{network}activations/tokens.npy",
        domains=lookup("reference/domains", within=config),
    output:
        table="<results>/{network}geometry/context_similarity.tsv",
        distances="<results>/{network}geometry/context_similarity/distances.tsv",
        anchors="<results>/{network}geometry/context_similarity/anchors.tsv",
        findings="<results>/{network}geometry/context_similarity/findings.tsv",
        maps="<results>/{network}geometry/context_similarity/maps.npz",
        sequences="<results>/{network}geometry/context_similarity/sequences.parquet",
    log:
        "<logs>/{network}geometry/context_similarity.log",
    benchmark:
        "<benchmarks>/{network}geometry/context_similarity.tsv"
    conda:
        "../../../envs/torch.yaml"
    threads: 1
    params:
        **settings("context_similarity"),
        **of_run("classes", "confidence", "k", "stride"),
        library=code_of("context_similarity"),
    message:
        "Finding the similar pairs of k-mers"
    script:
        "../../scripts/context_similarity.py"


rule plot_context_similarity:
    input:
        table="<results>/geometry/context_similarity.tsv",
        distances="<results>/geometry/context_similarity/distances.tsv",
        anchors="<results>/geometry/context_similarity/anchors.tsv",
        maps="<results>/geometry/context_similarity/maps.npz",
        domains=lookup("reference/domains", within=config),
    output:
        **figure("context_similarity", "Context similarity"),
        distances_png=report(
            "<results>/geometry/context_similarity/distances.png",
            caption="../../report/context_similarity_distances.rst",
            category="5 Geometry",
            labels={"figure": "Context similarity: distances"},
        ),
        distances_svg="<results>/geometry/context_similarity/distances.svg",
        maps_png=report(
            "<results>/geometry/context_similarity/maps.png",
            caption="../../report/context_similarity_maps.rst",
            category="5 Geometry",
            labels={"figure": "Context similarity: maps"},
        ),
        maps_svg="<results>/geometry/context_similarity/maps.svg",
    log:
        "<logs>/geometry/plot_context_similarity.log",
    conda:
        "../../../envs/plots.yaml"
    params:
        **settings("context_similarity", "classes", "top", "cosine"),
        **of_run("classes", "k", "stride"),
        library=code_of("plot_context_similarity"),
    message:
        "Drawing the similar pairs of k-mers"
    script:
        "../../scripts/plot_context_similarity.py"
