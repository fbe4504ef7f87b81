"""How well the masked model reads hidden k-mers after every block."""


rule read_masked_kmers:
    input:
        model="<results>/model/pretrained",
        train="<results>/dataset/train.arrow",
        test="<results>/dataset/test.arrow",
    output:
        targets="<results>/geometry/token_accuracy/targets.parquet",
    log:
        "<logs>/geometry/read_masked_kmers.log",
    benchmark:
        "<benchmarks>/geometry/read_masked_kmers.tsv"
    conda:
        TORCH
    threads: lookup("model/threads", within=config)
    resources:
        gpu=GPUS,
    params:
        train_sequences_per_class=lookup(
            "analyses/token_accuracy/train_sequences_per_class", within=config
        ),
        sequences_per_class=lookup(
            "analyses/token_accuracy/sequences_per_class", within=config
        ),
        spans=lookup("analyses/token_accuracy/spans", within=config),
        rounds=lookup("analyses/token_accuracy/rounds", within=config),
        mask_probability=lookup("model/pretrain/mask_probability", within=config),
        batch_size=lookup("inference/batch_size", within=config),
        device=lookup("model/device", within=config),
        threads=lookup("model/threads", within=config),
        classes=lookup("classes", within=config),
        seed=lookup("seed", within=config),
        library=code_of("read_masked_kmers"),
    message:
        "Reading masked k-mers after every block of the masked model"
    script:
        "../scripts/read_masked_kmers.py"


rule token_matches:
    input:
        targets="<results>/geometry/token_accuracy/targets.parquet",
        vocabulary="<results>/dataset/vocabulary.txt",
        train="<results>/dataset/train.arrow",
        test="<results>/dataset/test.arrow",
    output:
        clusters="<results>/geometry/token_accuracy/clusters.tsv",
        matches="<results>/geometry/token_accuracy/strong_match.tsv",
        confusion="<results>/geometry/token_accuracy/confusion.parquet",
    log:
        "<logs>/geometry/token_matches.log",
    benchmark:
        "<benchmarks>/geometry/token_matches.tsv"
    conda:
        "../../envs/plots.yaml"
    params:
        taus=lookup("analyses/token_accuracy/taus", within=config),
        min_targets=lookup("analyses/token_accuracy/min_targets", within=config),
        stride=lookup("dataset/stride", within=config),
        bootstrap=lookup("evaluation/bootstrap", within=config),
        confidence=lookup("evaluation/confidence", within=config),
        seed=lookup("seed", within=config),
        library=code_of("token_matches"),
    message:
        "Finding k-mers that the masked model takes for one another"
    script:
        "../scripts/token_matches.py"


rule token_accuracy:
    input:
        targets="<results>/geometry/token_accuracy/targets.parquet",
        clusters="<results>/geometry/token_accuracy/clusters.tsv",
        vocabulary="<results>/dataset/vocabulary.txt",
        train="<results>/dataset/train.arrow",
        test="<results>/dataset/test.arrow",
        predictions="<results>/predictions/finetuned/test.parquet",
    output:
        table="<results>/geometry/token_accuracy.tsv",
        tokens="<results>/geometry/token_accuracy/tokens.parquet",
        sequences="<results>/geometry/token_accuracy/sequences.parquet",
        findings="<results>/geometry/token_accuracy/findings.tsv",
    log:
        "<logs>/geometry/token_accuracy.log",
    benchmark:
        "<benchmarks>/geometry/token_accuracy.tsv"
    conda:
        "../../envs/plots.yaml"
    params:
        min_targets=lookup("analyses/token_accuracy/min_targets", within=config),
        frequent=lookup("analyses/token_accuracy/frequent", within=config),
        taus=lookup("analyses/token_accuracy/taus", within=config),
        classes=lookup("classes", within=config),
        bootstrap=lookup("evaluation/bootstrap", within=config),
        confidence=lookup("evaluation/confidence", within=config),
        seed=lookup("seed", within=config),
        library=code_of("token_accuracy"),
    message:
        "Scoring the accuracy of masked k-mers"
    script:
        "../scripts/token_accuracy.py"


rule plot_token_accuracy:
    input:
        table="<results>/geometry/token_accuracy.tsv",
        tokens="<results>/geometry/token_accuracy/tokens.parquet",
        sequences="<results>/geometry/token_accuracy/sequences.parquet",
        clusters="<results>/geometry/token_accuracy/clusters.tsv",
        confusion="<results>/geometry/token_accuracy/confusion.parquet",
    output:
        png=report(
            "<results>/geometry/token_accuracy.png",
            caption="../report/token_accuracy.rst",
            category="5 Geometry",
            labels={"figure": "Accuracy per token"},
        ),
        svg="<results>/geometry/token_accuracy.svg",
    log:
        "<logs>/geometry/plot_token_accuracy.log",
    conda:
        "../../envs/plots.yaml"
    params:
        classes=lookup("classes", within=config),
        library=code_of("plot_token_accuracy"),
    message:
        "Drawing the accuracy of masked k-mers"
    script:
        "../scripts/plot_token_accuracy.py"
