"""Measure how widely the attention of every head is spread, in every recorded sequence and in the means of classes."""


rule attention_entropy:
    input:
        **RECORDED,
        attention="<results>/{network}activations/attention_mean.npz",
    output:
        table="<results>/{network}geometry/attention_entropy.tsv",
        sequences="<results>/{network}geometry/attention_entropy/sequences.parquet",
        tokens="<results>/{network}geometry/attention_entropy/tokens.parquet",
        sizes="<results>/{network}geometry/attention_entropy/sizes.parquet",
    log:
        "<logs>/{network}geometry/attention_entropy.log",
    benchmark:
        "<benchmarks>/{network}geometry/attention_entropy.tsv"
    conda:
        "../../../envs/torch.yaml"
    params:
        **measured("attention_entropy", "classes", "evaluation/confidence"),
    script:
        "../../scripts/attention_entropy.py"


FIGURES["attention_entropy"] = Figure("Attention entropy", "Attention", params=settings("attention_entropy", "mass"))
