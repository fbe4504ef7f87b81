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
    params:
        **measured("attention_roles", "classes", "evaluation/confidence"),
    script:
        "../../scripts/attention_roles.py"


FIGURES["attention_roles"] = Figure("Attention roles", "Heads and roles")
