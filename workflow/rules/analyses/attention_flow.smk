"""Follow attention from a token of the last layer down to the input tokens of every recorded sequence."""


rule attention_flow:
    input:
        **RECORDED,
        **DOMAINS,
    output:
        table="<results>/{network}geometry/attention_flow.tsv",
        sequences="<results>/{network}geometry/attention_flow/sequences.parquet",
        layers="<results>/{network}geometry/attention_flow/layers.parquet",
    log:
        "<logs>/{network}geometry/attention_flow.log",
    benchmark:
        "<benchmarks>/{network}geometry/attention_flow.tsv"
    conda:
        "../../../envs/torch.yaml"
    params:
        **measured("attention_flow", "classes", "evaluation/confidence", "seed", *KMERS),
    script:
        "../../scripts/attention_flow.py"


FIGURES["attention_flow"] = Figure(
    "Attention rollout and flow",
    "Attention",
    given=[*KMERS, *NAMES],
    params=settings("attention_flow", "source"),
    inputs=DOMAINS | MUTATIONS,
)
