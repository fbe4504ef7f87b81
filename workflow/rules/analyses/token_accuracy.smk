"""Score how hidden k-mers were read: accuracy per token along the blocks, and against the label's confidence."""


rule read_masked_kmers:
    input:
        # Trainings have one masked start; the untrained network has an untrained one.
        model=lambda wildcards: "<results>/model/"
        + ("random_masked" if network_name(wildcards) == "random" else "pretrained"),
        train="<results>/dataset/train.arrow",
        test="<results>/dataset/test.arrow",
    output:
        targets="<results>/{network}geometry/token_accuracy/targets.parquet",
    log:
        "<logs>/{network}geometry/read_masked_kmers.log",
    benchmark:
        "<benchmarks>/{network}geometry/read_masked_kmers.tsv"
    conda:
        TORCH
    threads: lookup("model/threads", within=config)
    resources:
        gpu=GPUS,
    params:
        **settings(
            "token_accuracy",
            "train_sequences_per_class",
            "sequences_per_class",
            "spans",
            "rounds",
        ),
        **of_run("batch_size", "device", "threads", "classes", "seed"),
        mask_probability=lookup("model/pretrain/mask_probability", within=config),
        library=code_of("read_masked_kmers"),
    message:
        "Reading masked k-mers after every block of the masked model"
    script:
        "../../scripts/read_masked_kmers.py"


rule token_matches:
    input:
        targets="<results>/{network}geometry/token_accuracy/targets.parquet",
        vocabulary="<results>/dataset/vocabulary.txt",
        train="<results>/dataset/train.arrow",
        test="<results>/dataset/test.arrow",
    output:
        clusters="<results>/{network}geometry/token_accuracy/clusters.tsv",
        matches="<results>/{network}geometry/token_accuracy/strong_match.tsv",
        confusion="<results>/{network}geometry/token_accuracy/confusion.parquet",
    log:
        "<logs>/{network}geometry/token_matches.log",
    benchmark:
        "<benchmarks>/{network}geometry/token_matches.tsv"
    conda:
        "../../../envs/plots.yaml"
    params:
        **settings("token_accuracy", "taus", "min_targets"),
        **of_run("stride", "bootstrap", "confidence", "seed"),
        library=code_of("token_matches"),
    message:
        "Finding k-mers that the masked model takes for one another"
    script:
        "../../scripts/token_matches.py"


rule token_accuracy:
    input:
        targets="<results>/{network}geometry/token_accuracy/targets.parquet",
        clusters="<results>/{network}geometry/token_accuracy/clusters.tsv",
        vocabulary="<results>/dataset/vocabulary.txt",
        train="<results>/dataset/train.arrow",
        test="<results>/dataset/test.arrow",
        predictions=lambda wildcards: f"<results>/predictions/{network_name(wildcards)}/test.parquet",
    output:
        table="<results>/{network}geometry/token_accuracy.tsv",
        tokens="<results>/{network}geometry/token_accuracy/tokens.parquet",
        sequences="<results>/{network}geometry/token_accuracy/sequences.parquet",
        findings="<results>/{network}geometry/token_accuracy/findings.tsv",
    log:
        "<logs>/{network}geometry/token_accuracy.log",
    benchmark:
        "<benchmarks>/{network}geometry/token_accuracy.tsv"
    conda:
        "../../../envs/plots.yaml"
    params:
        **settings("token_accuracy", "min_targets", "frequent", "taus"),
        **of_run("classes", "bootstrap", "confidence", "seed"),
        library=code_of("token_accuracy"),
    message:
        "Scoring the accuracy of masked k-mers"
    script:
        "../../scripts/token_accuracy.py"


rule plot_token_accuracy:
    input:
        table="<results>/geometry/token_accuracy.tsv",
        tokens="<results>/geometry/token_accuracy/tokens.parquet",
        sequences="<results>/geometry/token_accuracy/sequences.parquet",
        clusters="<results>/geometry/token_accuracy/clusters.tsv",
        confusion="<results>/geometry/token_accuracy/confusion.parquet",
    output:
        **figure("token_accuracy", "Accuracy per token"),
    log:
        "<logs>/geometry/plot_token_accuracy.log",
    conda:
        "../../../envs/plots.yaml"
    params:
        **of_run("classes"),
        library=code_of("plot_token_accuracy"),
    message:
        "Drawing the accuracy of masked k-mers"
    script:
        "../../scripts/plot_token_accuracy.py"
