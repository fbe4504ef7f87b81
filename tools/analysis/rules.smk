"""Measure new_analysis of the recorded sequences."""


rule new_analysis:
    input:
        **RECORDED,
    output:
        table="<results>/{network}geometry/new_analysis.tsv",
        sequences="<results>/{network}geometry/new_analysis/sequences.parquet",
    log:
        "<logs>/{network}geometry/new_analysis.log",
    benchmark:
        "<benchmarks>/{network}geometry/new_analysis.tsv"
    conda:
        "../../../envs/torch.yaml"
    params:
        **given("new_analysis", "classes", "evaluation/confidence"),
        **settings("new_analysis"),
    script:
        "../../scripts/new_analysis.py"


FIGURES["new_analysis"] = Figure("TITLE", "Representation")
