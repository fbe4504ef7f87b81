"""Measure the norms of queries, keys, values, outputs and inputs of every head, against their bounds."""


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
    params:
        **measured("vector_norms", "classes", "evaluation/confidence"),
    script:
        "../../scripts/vector_norms.py"


FIGURES["vector_norms"] = Figure("Vector norms", "Representation")
