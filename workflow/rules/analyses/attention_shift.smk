"""Compare the attention of every head of the fine-tuned model with that of the pre-trained one and of the controls."""

# Models that the measured one is compared with.
OTHERS = ["pretrained", *config["model"]["controls"]]


rule attention_shift:
    input:
        **RECORDED,
        models=collect("<results>/model/{model}", model=OTHERS),
    output:
        table="<results>/{network}geometry/attention_shift.tsv",
        attention="<results>/{network}geometry/attention_shift/attention.tsv",
        sequences="<results>/{network}geometry/attention_shift/sequences.parquet",
        findings="<results>/{network}geometry/attention_shift/findings.tsv",
    log:
        "<logs>/{network}geometry/attention_shift.log",
    benchmark:
        "<benchmarks>/{network}geometry/attention_shift.tsv"
    conda:
        TORCH
    threads: lookup("model/threads", within=config)
    resources:
        gpu=GPUS,
    params:
        **settings("attention_shift"),
        **of_run("classes", "confidence", "device", "threads"),
        models=OTHERS,
        library=code_of("attention_shift"),
    message:
        "Comparing attention before and after fine-tuning"
    script:
        "../../scripts/attention_shift.py"


rule plot_attention_shift:
    input:
        table="<results>/geometry/attention_shift.tsv",
        attention="<results>/geometry/attention_shift/attention.tsv",
    output:
        **figure("attention_shift", "Attention shift"),
    log:
        "<logs>/geometry/plot_attention_shift.log",
    conda:
        "../../../envs/plots.yaml"
    params:
        **settings("attention_shift", "classes"),
        **of_run("classes"),
        library=code_of("plot_attention_shift"),
    message:
        "Drawing attention before and after fine-tuning"
    script:
        "../../scripts/plot_attention_shift.py"
