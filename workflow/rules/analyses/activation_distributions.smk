"""Measure how near token vectors are to normal samples, and count the values of the layer outputs."""


rule activation_distributions:
    input:
        **RECORDED,
    output:
        table="<results>/{network}geometry/activation_distributions.tsv",
        sequences="<results>/{network}geometry/activation_distributions/sequences.parquet",
        histogram="<results>/{network}geometry/activation_distributions/histogram.parquet",
        columns="<results>/{network}geometry/activation_distributions/columns.parquet",
    log:
        "<logs>/{network}geometry/activation_distributions.log",
    benchmark:
        "<benchmarks>/{network}geometry/activation_distributions.tsv"
    conda:
        "../../../envs/torch.yaml"
    threads: 1
    params:
        **settings("activation_distributions"),
        **of_run("classes", "confidence"),
        library=code_of("activation_distributions"),
    message:
        "Testing the token vectors of every layer for normality"
    script:
        "../../scripts/activation_distributions.py"


rule plot_activation_distributions:
    input:
        table="<results>/geometry/activation_distributions.tsv",
        histogram="<results>/geometry/activation_distributions/histogram.parquet",
        columns="<results>/geometry/activation_distributions/columns.parquet",
    output:
        **figure("activation_distributions", "Activation distributions"),
    log:
        "<logs>/geometry/plot_activation_distributions.log",
    conda:
        "../../../envs/plots.yaml"
    params:
        **settings("activation_distributions", "classes", "alpha", "outlier"),
        **of_run("classes"),
        library=code_of("plot_activation_distributions"),
    message:
        "Drawing the distributions of the activations"
    script:
        "../../scripts/plot_activation_distributions.py"
