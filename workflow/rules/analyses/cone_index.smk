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
    params:
        **measured("cone_index", "classes", "evaluation/confidence"),
    script:
        "../../scripts/cone_index.py"


FIGURES["cone_index"] = Figure("Cone index", "Representation")
