"""Measure ranks and singular values of the attention, weights, values and outputs of every head, and of the layers."""


rule singular_values:
    input:
        **RECORDED,
    output:
        table="<results>/{network}geometry/singular_values.tsv",
        histograms="<results>/{network}geometry/singular_values/histograms.tsv",
        sequences="<results>/{network}geometry/singular_values/sequences.parquet",
    log:
        "<logs>/{network}geometry/singular_values.log",
    benchmark:
        "<benchmarks>/{network}geometry/singular_values.tsv"
    conda:
        "../../../envs/torch.yaml"
    threads: 1
    params:
        **settings("singular_values"),
        **of_run("classes", "confidence"),
        library=code_of("singular_values"),
    message:
        "Measuring ranks and singular values"
    script:
        "../../scripts/singular_values.py"


rule plot_singular_values:
    input:
        table="<results>/geometry/singular_values.tsv",
        histograms="<results>/geometry/singular_values/histograms.tsv",
    output:
        **figure("singular_values", "Singular values"),
    log:
        "<logs>/geometry/plot_singular_values.log",
    conda:
        "../../../envs/plots.yaml"
    params:
        **settings("singular_values", "classes", "threshold"),
        **of_run("classes"),
        library=code_of("plot_singular_values"),
    message:
        "Drawing ranks and singular values"
    script:
        "../../scripts/plot_singular_values.py"
