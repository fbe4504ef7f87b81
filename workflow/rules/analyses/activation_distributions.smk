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
    params:
        **measured("activation_distributions", "classes", "evaluation/confidence"),
    script:
        "../../scripts/activation_distributions.py"


FIGURES["activation_distributions"] = Figure(
    "Activation distributions", "Representation", params=settings("activation_distributions", "alpha", "outlier")
)
