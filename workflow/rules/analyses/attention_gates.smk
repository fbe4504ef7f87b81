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
    threads: 1
    params:
        **settings("attention_gates", "layers", "heads", "classes", "threshold"),
        **of_run("classes", "confidence"),
        library=code_of("attention_gates"),
    message:
        "Scoring the attention patterns of the heads"
    script:
        "../../scripts/attention_gates.py"


rule plot_attention_gates:
    input:
        table="<results>/geometry/attention_gates.tsv",
    output:
        **figure("attention_gates", "Attention gates"),
    log:
        "<logs>/geometry/plot_attention_gates.log",
    conda:
        "../../../envs/plots.yaml"
    params:
        **settings("attention_gates", "classes", "names"),
        **of_run("classes"),
        library=code_of("plot_attention_gates"),
    message:
        "Drawing the attention patterns of the heads"
    script:
        "../../scripts/plot_attention_gates.py"
