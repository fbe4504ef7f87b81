"""Measure how evenly the token vectors of every layer use the directions of their space."""


rule isotropy:
    input:
        **RECORDED,
    output:
        table="<results>/{network}geometry/isotropy.tsv",
        agreement="<results>/{network}geometry/isotropy/agreement.tsv",
        findings="<results>/{network}geometry/isotropy/findings.tsv",
        sequences="<results>/{network}geometry/isotropy/sequences.parquet",
    log:
        "<logs>/{network}geometry/isotropy.log",
    benchmark:
        "<benchmarks>/{network}geometry/isotropy.tsv"
    conda:
        "../../../envs/torch.yaml"
    params:
        **measured("isotropy", "classes", "evaluation/confidence", "seed"),
    script:
        "../../scripts/isotropy.py"


FIGURES["isotropy"] = Figure("Isotropy", "Representation")
