"""Measure the cone index of the token vectors of every recorded sequence, and of the sequences of every class."""


rule cone_index:
    input:
        **RECORDED,
        cls="<results>/{network}activations/cls.npy",
        split="<results>/dataset/test.arrow",
    output:
        table="<results>/{network}geometry/cone_index.tsv",
        sequences="<results>/{network}geometry/cone_index/sequences.parquet",
    log:
        "<logs>/{network}geometry/cone_index.log",
    benchmark:
        "<benchmarks>/{network}geometry/cone_index.tsv"
    conda:
        "../../../envs/torch.yaml"
    threads: 1
    params:
        **settings("cone_index"),
        **of_run("classes", "confidence"),
        library=code_of("cone_index"),
    message:
        "Measuring the cone index"
    script:
        "../../scripts/cone_index.py"


rule plot_cone_index:
    input:
        table="<results>/geometry/cone_index.tsv",
        sequences="<results>/geometry/cone_index/sequences.parquet",
    output:
        **figure("cone_index", "Cone index"),
    log:
        "<logs>/geometry/plot_cone_index.log",
    conda:
        "../../../envs/plots.yaml"
    params:
        **settings("cone_index", "classes"),
        **of_run("classes"),
        library=code_of("plot_cone_index"),
    message:
        "Drawing the cone index"
    script:
        "../../scripts/plot_cone_index.py"
