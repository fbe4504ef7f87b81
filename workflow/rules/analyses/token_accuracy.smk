"""Score how hidden k-mers were read: accuracy per token along the blocks, and against the label's confidence."""


rule read_masked_kmers:
    input:
        model=masked_model,
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
        **given("read_masked_kmers", "classes", "seed", "model/pretrain/mask_probability", *DEVICE),
        **settings("token_accuracy", "train_sequences_per_class", "sequences_per_class", "spans", "rounds"),
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
        **given("token_matches", "dataset/stride", *RESAMPLING),
        **settings("token_accuracy", "taus", "min_targets"),
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
        **given("token_accuracy", "classes", *RESAMPLING),
        **settings("token_accuracy", "min_targets", "frequent", "taus"),
    script:
        "../../scripts/token_accuracy.py"


FIGURES["token_accuracy"] = Figure(
    "Accuracy per token",
    "Tokens",
    inputs={
        "clusters": "<results>/geometry/token_accuracy/clusters.tsv",
        "confusion": "<results>/geometry/token_accuracy/confusion.parquet",
    },
)
