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
        **settings("head_ablation"),
        **of_run(
            "classes",
            "device",
            "threads",
            "batch_size",
            "bootstrap",
            "confidence",
            "seed",
        ),
        shards=lookup("inference/shards", within=config),
        library=code_of("head_ablation"),
    message:
        "Switching off heads"
    script:
        "../../scripts/head_ablation.py"


rule plot_head_ablation:
    input:
        table="<results>/geometry/head_ablation.tsv",
        importance="<results>/geometry/head_ablation/importance.tsv",
        curve="<results>/geometry/head_ablation/curve.tsv",
    output:
        **figure("head_ablation", "Head ablation"),
    log:
        "<logs>/geometry/plot_head_ablation.log",
    conda:
        "../../../envs/plots.yaml"
    params:
        **settings("head_ablation", "classes"),
        **of_run("classes"),
        library=code_of("plot_head_ablation"),
    message:
        "Drawing what is lost without heads"
    script:
        "../../scripts/plot_head_ablation.py"
