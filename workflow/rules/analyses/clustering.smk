"""Measure how the classes lie apart in [CLS] and mean k-mers of every layer, and in the outputs of the classifier."""


rule clustering:
    input:
        model=network_model,
        split="<results>/dataset/test.arrow",
        sequences="<results>/{network}activations/sequences.tsv",
        hidden_states="<results>/{network}activations/hidden_states.npy",
        cls="<results>/{network}activations/cls.npy",
    output:
        table="<results>/{network}geometry/clustering.tsv",
        components="<results>/{network}geometry/clustering/components.tsv",
        sequences="<results>/{network}geometry/clustering/sequences.parquet",
        maps="<results>/{network}geometry/clustering/maps.parquet",
    log:
        "<logs>/{network}geometry/clustering.log",
    benchmark:
        "<benchmarks>/{network}geometry/clustering.tsv"
    conda:
        "../../../envs/torch.yaml"
    threads: 1
    params:
        **settings("clustering"),
        **of_run("classes", "confidence", "seed"),
        library=code_of("clustering"),
    message:
        "Clustering the representations of the test sequences"
    script:
        "../../scripts/clustering.py"


rule plot_clustering:
    input:
        table="<results>/geometry/clustering.tsv",
        components="<results>/geometry/clustering/components.tsv",
        maps="<results>/geometry/clustering/maps.parquet",
    output:
        **figure("clustering", "Clustering"),
        html=report(
            "<results>/geometry/clustering/maps.html",
            caption="../../report/clustering_maps.rst",
            category="5 Geometry",
            labels={"figure": "Clustering in three dimensions"},
        ),
    log:
        "<logs>/geometry/plot_clustering.log",
    conda:
        "../../../envs/plots.yaml"
    params:
        **settings("clustering", "classes"),
        **of_run("classes"),
        library=code_of("plot_clustering"),
    message:
        "Drawing the clusters of the test sequences"
    script:
        "../../scripts/plot_clustering.py"
