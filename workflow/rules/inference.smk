"""Predictions of every split, and the activations that the analyses share."""


rule predict_shard:
    input:
        split="<results>/dataset/{split}.arrow",
        model="<model>/{model}",
        space=lambda wildcards: "<model>/class_space.safetensors" if wildcards.model == "finetuned" else [],
    output:
        predictions=temp("<results>/predictions/{model}/shards/{split}/{shard}.parquet"),
    log:
        "<logs>/predictions/{model}/{split}_{shard}.log",
    benchmark:
        "<benchmarks>/predictions/{model}/{split}_{shard}.tsv"
    conda:
        TORCH
    threads: lookup("model/threads", within=config)
    resources:
        gpu=GPUS,
    params:
        **given("predict_shard", "classes", "model/precision", "model/compile", "inference/shards", *DEVICE),
    script:
        "../scripts/predict_shard.py"


rule gather_predictions:
    input:
        shards=expand("<results>/predictions/{{model}}/shards/{{split}}/{shard}.parquet", shard=INFERENCE_SHARDS),
    output:
        predictions="<results>/predictions/{model}/{split}.parquet",
    log:
        "<logs>/predictions/{model}/gather_{split}.log",
    conda:
        "../../envs/genomes.yaml"
    params:
        **given("gather_predictions"),
    script:
        "../scripts/gather_predictions.py"


rule finish_predictions:
    input:
        predictions="<results>/predictions/finetuned/{split}.parquet",
        rule="<model>/abstention.json",
        genomes=lambda wildcards: f"<results>/{COHORTS.prefix(wildcards.split)}genomes/accepted.tsv",
    output:
        predictions="<results>/predictions/{split}.parquet",
    log:
        "<logs>/predictions/finish_{split}.log",
    conda:
        "../../envs/plots.yaml"
    params:
        **given("finish_predictions"),
    script:
        "../scripts/finish_predictions.py"


rule select_recorded:
    input:
        predictions="<results>/predictions/finetuned/test.parquet",
        test="<results>/dataset/test.arrow",
    output:
        sequences="<results>/activations/sequences.tsv",
    log:
        "<logs>/activations/select_recorded.log",
    conda:
        "../../envs/torch.yaml"
    params:
        **given(
            "select_recorded",
            "classes",
            "activations/sequences_per_class",
            "activations/correct_only",
            "activations/test_per_class",
            "seed",
        ),
    script:
        "../scripts/select_recorded.py"


rule copy_recorded:
    input:
        sequences="<results>/activations/sequences.tsv",
    output:
        sequences="<results>/replicates/{replicate}/activations/sequences.tsv",
    log:
        "<logs>/replicates/{replicate}/activations/copy_recorded.log",
    conda:
        "../../envs/genomes.yaml"
    params:
        **given("copy_recorded"),
    script:
        "../scripts/copy_recorded.py"


rule record_activations:
    input:
        sequences="<results>/{network}activations/sequences.tsv",
        test="<results>/dataset/test.arrow",
        model=network_model,
    output:
        shard=temp(directory("<results>/{network}activations/shards/{shard}")),
    log:
        "<logs>/{network}activations/record_{shard}.log",
    benchmark:
        "<benchmarks>/{network}activations/record_{shard}.tsv"
    conda:
        TORCH
    threads: lookup("model/threads", within=config)
    resources:
        gpu=GPUS,
    params:
        **given(
            "record_activations",
            "classes",
            "model/device",
            "model/threads",
            "activations/shards",
            "activations/batch_size",
        ),
    script:
        "../scripts/record_activations.py"


rule gather_activations:
    input:
        shards=expand("<results>/{{network}}activations/shards/{shard}", shard=ACTIVATION_SHARDS),
        sequences="<results>/{network}activations/sequences.tsv",
        test="<results>/dataset/test.arrow",
    output:
        cls="<results>/{network}activations/cls.npy",
        hidden_states="<results>/{network}activations/hidden_states.npy",
        tokens="<results>/{network}activations/tokens.npy",
        attention="<results>/{network}activations/attention_mean.npz",
    log:
        "<logs>/{network}activations/gather_activations.log",
    conda:
        "../../envs/torch.yaml"
    params:
        **given("gather_activations"),
    script:
        "../scripts/gather_activations.py"
