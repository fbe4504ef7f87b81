"""Follow attention from a token of the last layer down to the input tokens of every recorded sequence."""


rule attention_flow:
    input:
        **RECORDED,
        domains=lookup("reference/domains", within=config),
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
    threads: 1
    params:
        **settings("attention_flow"),
        **of_run("classes", "confidence", "seed", "k", "stride"),
        library=code_of("attention_flow"),
    message:
        "Following attention from [CLS] down to the input"
    script:
        "../../scripts/attention_flow.py"


rule plot_attention_flow:
    input:
        table="<results>/geometry/attention_flow.tsv",
        layers="<results>/geometry/attention_flow/layers.parquet",
        domains=lookup("reference/domains", within=config),
    output:
        **figure("attention_flow", "Attention rollout and flow"),
    log:
        "<logs>/geometry/plot_attention_flow.log",
    conda:
        "../../../envs/plots.yaml"
    params:
        **settings("attention_flow", "classes", "source"),
        **of_run("classes", "k", "stride"),
        library=code_of("plot_attention_flow"),
    message:
        "Drawing attention rollout and flow along the gene"
    script:
        "../../scripts/plot_attention_flow.py"
