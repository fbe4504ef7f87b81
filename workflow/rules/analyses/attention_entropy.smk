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
    threads: 1
    params:
        **settings("attention_entropy"),
        **of_run("classes", "confidence"),
        library=code_of("attention_entropy"),
    message:
        "Measuring how widely attention is spread"
    script:
        "../../scripts/attention_entropy.py"


rule plot_attention_entropy:
    input:
        table="<results>/geometry/attention_entropy.tsv",
        sequences="<results>/geometry/attention_entropy/sequences.parquet",
        tokens="<results>/geometry/attention_entropy/tokens.parquet",
        sizes="<results>/geometry/attention_entropy/sizes.parquet",
    output:
        **figure("attention_entropy", "Attention entropy"),
    log:
        "<logs>/geometry/plot_attention_entropy.log",
    conda:
        "../../../envs/plots.yaml"
    params:
        **settings("attention_entropy", "classes", "mass"),
        **of_run("classes"),
        library=code_of("plot_attention_entropy"),
    message:
        "Drawing how widely attention is spread"
    script:
        "../../scripts/plot_attention_entropy.py"
