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
    params:
        **measured("singular_values", "classes", "evaluation/confidence"),
    script:
        "../../scripts/singular_values.py"


FIGURES["singular_values"] = Figure("Singular values", "Weights", params=settings("singular_values", "threshold"))
