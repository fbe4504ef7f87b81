"""Switch off each head and each layer's attention, and then as many heads as the classifier can go without."""


rule head_ablation:
    input:
        model=network_model,
        train="<results>/dataset/train.arrow",
        validation="<results>/dataset/validation.arrow",
        test="<results>/dataset/test.arrow",
    output:
        table="<results>/{network}geometry/head_ablation.tsv",
        findings="<results>/{network}geometry/head_ablation/findings.tsv",
        importance="<results>/{network}geometry/head_ablation/importance.tsv",
        curve="<results>/{network}geometry/head_ablation/curve.tsv",
        sequences="<results>/{network}geometry/head_ablation/sequences.parquet",
    log:
        "<logs>/{network}geometry/head_ablation.log",
    benchmark:
        "<benchmarks>/{network}geometry/head_ablation.tsv"
    conda:
        TORCH
    threads: lookup("model/threads", within=config)
    resources:
        gpu=GPUS,
    params:
        **measured("head_ablation", "classes", "inference/shards", *DEVICE, *RESAMPLING),
    script:
        "../../scripts/head_ablation.py"


FIGURES["head_ablation"] = Figure("Head ablation", "Heads and roles")
