"""Name the heads by the classes of Kovaleva et al. in every recorded sequence, and measure what special tokens get."""


rule attention_roles:
    input:
        **RECORDED,
    output:
        table="<results>/{network}geometry/attention_roles.tsv",
        sequences="<results>/{network}geometry/attention_roles/sequences.parquet",
        findings="<results>/{network}geometry/attention_roles/findings.tsv",
    log:
        "<logs>/{network}geometry/attention_roles.log",
    benchmark:
        "<benchmarks>/{network}geometry/attention_roles.tsv"
    conda:
        "../../../envs/torch.yaml"
    threads: 1
    params:
        **settings("attention_roles"),
        **of_run("classes", "confidence"),
        library=code_of("attention_roles"),
    message:
        "Naming the roles of the heads"
    script:
        "../../scripts/attention_roles.py"


rule plot_attention_roles:
    input:
        table="<results>/geometry/attention_roles.tsv",
    output:
        **figure("attention_roles", "Attention roles"),
    log:
        "<logs>/geometry/plot_attention_roles.log",
    conda:
        "../../../envs/plots.yaml"
    params:
        **settings("attention_roles", "classes"),
        **of_run("classes"),
        library=code_of("plot_attention_roles"),
    message:
        "Drawing the roles of the heads"
    script:
        "../../scripts/plot_attention_roles.py"
