"""What the classifier loses without some of its attention heads."""


rule head_ablation:
    input:
        model="<results>/model/finetuned",
        train="<results>/dataset/train.arrow",
        validation="<results>/dataset/validation.arrow",
        test="<results>/dataset/test.arrow",
    output:
        table="<results>/geometry/head_ablation.tsv",
        findings="<results>/geometry/head_ablation/findings.tsv",
        importance="<results>/geometry/head_ablation/importance.tsv",
        curve="<results>/geometry/head_ablation/curve.tsv",
        sequences="<results>/geometry/head_ablation/sequences.parquet",
    log:
        "<logs>/geometry/head_ablation.log",
    benchmark:
        "<benchmarks>/geometry/head_ablation.tsv"
    conda:
        TORCH
    threads: lookup("model/threads", within=config)
    resources:
        gpu=GPUS,
    params:
        layers=lookup("analyses/head_ablation/layers", within=config),
        heads=lookup("analyses/head_ablation/heads", within=config),
        selected_classes=lookup("analyses/head_ablation/classes", within=config),
        modes=lookup("analyses/head_ablation/modes", within=config),
        sequences_per_class=lookup(
            "analyses/head_ablation/sequences_per_class", within=config
        ),
        steps=lookup("analyses/head_ablation/steps", within=config),
        random_orders=lookup("analyses/head_ablation/random_orders", within=config),
        permutations=lookup("analyses/head_ablation/permutations", within=config),
        classes=lookup("classes", within=config),
        device=lookup("model/device", within=config),
        threads=lookup("model/threads", within=config),
        shards=lookup("inference/shards", within=config),
        batch_size=lookup("inference/batch_size", within=config),
        bootstrap=lookup("evaluation/bootstrap", within=config),
        confidence=lookup("evaluation/confidence", within=config),
        seed=lookup("seed", within=config),
        library=code_of("head_ablation"),
    message:
        "Switching off heads"
    script:
        "../scripts/head_ablation.py"


rule plot_head_ablation:
    input:
        table="<results>/geometry/head_ablation.tsv",
        importance="<results>/geometry/head_ablation/importance.tsv",
        curve="<results>/geometry/head_ablation/curve.tsv",
    output:
        png=report(
            "<results>/geometry/head_ablation.png",
            caption="../report/head_ablation.rst",
            category="5 Geometry",
            labels={"figure": "Head ablation"},
        ),
        svg="<results>/geometry/head_ablation.svg",
    log:
        "<logs>/geometry/plot_head_ablation.log",
    conda:
        "../../envs/plots.yaml"
    params:
        classes=lookup("classes", within=config),
        selected_classes=lookup("analyses/head_ablation/classes", within=config),
        library=code_of("plot_head_ablation"),
    message:
        "Drawing what is lost without heads"
    script:
        "../scripts/plot_head_ablation.py"
