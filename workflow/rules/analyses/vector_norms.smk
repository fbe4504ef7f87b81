"""Measure the lengths of queries, keys, values, outputs and inputs of every head, against their bounds."""


rule vector_norms:
    input:
        **RECORDED,
    output:
        table="<results>/{network}geometry/vector_norms.tsv",
        tokens="<results>/{network}geometry/vector_norms/tokens.parquet",
        sequences="<results>/{network}geometry/vector_norms/sequences.parquet",
    log:
        "<logs>/{network}geometry/vector_norms.log",
    benchmark:
        "<benchmarks>/{network}geometry/vector_norms.tsv"
    conda:
        "../../../envs/torch.yaml"
    threads: 1
    params:
        **settings("vector_norms"),
        **of_run("classes", "confidence"),
        library=code_of("vector_norms"),
    message:
        "Measuring the lengths of vectors"
    script:
        "../../scripts/vector_norms.py"


rule plot_vector_norms:
    input:
        table="<results>/geometry/vector_norms.tsv",
        tokens="<results>/geometry/vector_norms/tokens.parquet",
    output:
        **figure("vector_norms", "Vector norms"),
    log:
        "<logs>/geometry/plot_vector_norms.log",
    conda:
        "../../../envs/plots.yaml"
    params:
        **settings("vector_norms", "classes"),
        **of_run("classes"),
        library=code_of("plot_vector_norms"),
    message:
        "Drawing the lengths of vectors"
    script:
        "../../scripts/plot_vector_norms.py"
