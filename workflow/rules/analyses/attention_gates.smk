"""Score the attention patterns of every head in every recorded sequence, and name the heads by them."""


rule attention_gates:
    input:
        **RECORDED,
    output:
        table="<results>/{network}geometry/attention_gates.tsv",
        sequences="<results>/{network}geometry/attention_gates/sequences.parquet",
    log:
        "<logs>/{network}geometry/attention_gates.log",
    benchmark:
        "<benchmarks>/{network}geometry/attention_gates.tsv"
    conda:
        "../../../envs/torch.yaml"
    params:
        **given("attention_gates", "classes", "evaluation/confidence"),
        **settings("attention_gates", "layers", "heads", "classes", "threshold"),
    script:
        "../../scripts/attention_gates.py"


FIGURES["attention_gates"] = Figure("Attention gates", "Heads and roles", params=settings("attention_gates", "names"))
