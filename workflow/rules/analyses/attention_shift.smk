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
        **measured("attention_shift", "classes", "evaluation/confidence", "model/device", "model/threads"),
        models=OTHERS,
    script:
        "../../scripts/attention_shift.py"


FIGURES["attention_shift"] = Figure("Attention shift", "Heads and roles")
