"""Predictions of every split, and the activations that the analyses share."""


rule predict_shard:
    input:
        split="<results>/dataset/{split}.arrow",
        model="<results>/model/{model}",
        space=branch(
            lambda wildcards: wildcards.model == "finetuned",
            then="<results>/model/class_space.safetensors",
            otherwise=[],
        ),
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
        classes=lookup("classes", within=config),
        precision=lookup("model/precision", within=config),
        compiled=lookup("model/compile", within=config),
        device=lookup("model/device", within=config),
        threads=lookup("model/threads", within=config),
        shards=lookup("inference/shards", within=config),
        batch_size=lookup("inference/batch_size", within=config),
        library=code_of("predict_shard"),
    message:
        "Predicting shard {wildcards.shard} of {wildcards.split}"
    script:
        "../scripts/predict_shard.py"


rule gather_predictions:
    input:
        shards=expand(
            "<results>/predictions/{{model}}/shards/{{split}}/{shard}.parquet",
            shard=INFERENCE_SHARDS,
        ),
    output:
        predictions="<results>/predictions/{model}/{split}.parquet",
    log:
        "<logs>/predictions/{model}/gather_{split}.log",
    conda:
        "../../envs/genomes.yaml"
    params:
        library=code_of("gather_predictions"),
    message:
        "Gathering the predictions of {wildcards.split}"
    script:
        "../scripts/gather_predictions.py"


rule finish_predictions:
    input:
        predictions="<results>/predictions/finetuned/{split}.parquet",
        rule="<results>/model/abstention.json",
        genomes=genomes_of,
    output:
        predictions="<results>/predictions/{split}.parquet",
    log:
        "<logs>/predictions/finish_{split}.log",
    conda:
        "../../envs/plots.yaml"
    params:
        library=code_of("finish_predictions"),
    message:
        "Adding to the predictions of {wildcards.split} when to abstain, and what is known of the genomes"
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
        classes=lookup("classes", within=config),
        per_class=lookup("activations/sequences_per_class", within=config),
        correct_only=lookup("activations/correct_only", within=config),
        test_per_class=lookup("activations/test_per_class", within=config),
        seed=lookup("seed", within=config),
        library=code_of("select_recorded"),
    message:
        "Choosing the test sequences whose hidden states are kept"
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
        library=code_of("copy_recorded"),
    message:
        "Copying the choice of recorded sequences to {wildcards.replicate}"
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
        classes=lookup("classes", within=config),
        device=lookup("model/device", within=config),
        threads=lookup("model/threads", within=config),
        shards=lookup("activations/shards", within=config),
        batch_size=lookup("activations/batch_size", within=config),
        library=code_of("record_activations"),
    message:
        "Recording activations on shard {wildcards.shard} of the test split"
    script:
        "../scripts/record_activations.py"


rule gather_activations:
    input:
        shards=expand(
            "<results>/{{network}}activations/shards/{shard}", shard=ACTIVATION_SHARDS
        ),
        sequences="<results>/{network}activations/sequences.tsv",
        test="<results>/dataset/test.arrow",
    output:
        cls="<results>/{network}activations/cls.npy",
        hidden_states="<results>/{network}activations/hidden_states.npy",
        tokens="<results>/{network}activations/tokens.npy",
        attention="<results>/{network}activations/attention_mean.npz",
    log:
        "<logs>/{network}activations/gather_activations.log",
    benchmark:
        "<benchmarks>/{network}activations/gather_activations.tsv"
    conda:
        "../../envs/torch.yaml"
    params:
        library=code_of("gather_activations"),
    message:
        "Gathering the activations of all shards"
    script:
        "../scripts/gather_activations.py"
