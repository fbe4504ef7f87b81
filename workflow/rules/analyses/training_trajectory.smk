"""Measure the snapshots of both trainings, and what comes first in them."""


rule measure_snapshots:
    input:
        kept="<results>/model/{model}",
        snapshots=of_training("<results>/model/snapshots/{model}"),
        history=of_training("<results>/model/history/{model}.tsv"),
        masked=lambda wildcards: "<results>/model/" + ("pretrained" if wildcards.model in TRAINED else "random_masked"),
        sequences="<results>/activations/sequences.tsv",
        train="<results>/dataset/train.arrow",
        validation="<results>/dataset/validation.arrow",
        test="<results>/dataset/test.arrow",
    output:
        table="<results>/snapshots/{model}.parquet",
    log:
        "<logs>/snapshots/{model}.log",
    benchmark:
        "<benchmarks>/snapshots/{model}.tsv"
    conda:
        TORCH
    threads: lookup("model/threads", within=config)
    resources:
        gpu=GPUS,
    params:
        **given(
            "measure_snapshots",
            "classes",
            "evaluation/confidence",
            "model/pretrain/mask_probability",
            "model/pretrain/mask_span",
            "seed",
            *DEVICE,
        ),
        **settings(
            "training_trajectory", "sequences_per_class", "evaluated_per_class", "components", "neighbours", "points"
        ),
    script:
        "../../scripts/measure_snapshots.py"


rule training_trajectory:
    input:
        snapshots=lambda wildcards: [f"<results>/snapshots/{model}.parquet" for model in phases_of(wildcards).values()],
        histories=lambda wildcards: [
            f"<results>/model/history/{model}.tsv" for model in phases_of(wildcards).values() if model in TRAINED
        ],
    output:
        table="<results>/{network}geometry/training_trajectory.tsv",
        heads="<results>/{network}geometry/training_trajectory/heads.parquet",
        changes="<results>/{network}geometry/training_trajectory/changes.tsv",
        findings="<results>/{network}geometry/training_trajectory/findings.tsv",
    log:
        "<logs>/{network}geometry/training_trajectory.log",
    benchmark:
        "<benchmarks>/{network}geometry/training_trajectory.tsv"
    conda:
        "../../../envs/torch.yaml"
    params:
        **given("training_trajectory", "evaluation/confidence"),
        **settings("training_trajectory", "closed"),
        phases=lambda wildcards: list(phases_of(wildcards)),
    script:
        "../../scripts/training_trajectory.py"


FIGURES["training_trajectory"] = Figure(
    "Training trajectory: geometry while it is learnt",
    "Information",
    inputs={
        "seeds": [
            f"<results>/replicates/{name}/geometry/training_trajectory.tsv" for name in REPLICATES if name != "random"
        ],
    },
)
