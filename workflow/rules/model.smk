"""Pre-training, fine-tuning and the control models, as Hugging Face folders."""


# Before all else, so that a base that cannot serve ends the run at its beginning.
rule copy_base:
    output:
        model=directory("<results>/model/base"),
    log:
        "<logs>/model/copy_base.log",
    priority: 100
    conda:
        "../../envs/torch.yaml"
    params:
        **given("copy_base", "model/base"),
    script:
        "../scripts/copy_base.py"


rule pretrain:
    input:
        base=[] if config["model"]["base"] == "pretrain" else "<results>/model/base",
        train="<results>/dataset/train.arrow",
        validation="<results>/dataset/validation.arrow",
        vocabulary="<results>/dataset/vocabulary.txt",
    output:
        model=directory("<results>/model/pretrained"),
        history="<results>/model/history/pretrained.tsv",
        snapshots=directory("<results>/model/snapshots/pretrained"),
    log:
        "<logs>/model/pretrain.log",
    benchmark:
        "<benchmarks>/model/pretrain.tsv"
    conda:
        TORCH
    threads: TRAINING_THREADS
    resources:
        gpu=TRAINING_GPUS,
    params:
        **given("pretrain", "model/base", "model/pretrain", "model/architecture", "seed", *TRAINING),
        checkpoints=f"{CHECKPOINTS}/pretrained",
    script:
        "../scripts/pretrain.py"


rule finetune:
    input:
        train="<results>/dataset/train.arrow",
        validation="<results>/dataset/validation.arrow",
        background=collect("<results>/dataset/{set}.arrow", set=BACKGROUND),
        baseline="<results>/model/kmer_logistic.npz",
        pretrained="<results>/model/pretrained",
    output:
        model=directory("<results>/model/{model}"),
        history="<results>/model/history/{model}.tsv",
        snapshots=directory("<results>/model/snapshots/{model}"),
        tries=in_report("<results>/model/tries/{model}.tsv", "tries", table="Tries of {model}"),
    log:
        "<logs>/model/finetune_{model}.log",
    benchmark:
        "<benchmarks>/model/finetune_{model}.tsv"
    wildcard_constraints:
        model=r"finetuned|seed\d+",
    conda:
        TORCH
    threads: TRAINING_THREADS
    resources:
        gpu=TRAINING_GPUS,
    params:
        **given("finetune", "model/finetune", "classes", "seed", *TRAINING),
        # A control `seedN` has the run's seed and N more.
        added=lambda wildcards: int(wildcards.model.removeprefix("seed").removeprefix("finetuned") or 0),
        phase=lambda wildcards: "finetune" if wildcards.model == "finetuned" else wildcards.model,
        checkpoints=lambda wildcards: f"{CHECKPOINTS}/{wildcards.model}",
    script:
        "../scripts/finetune.py"


TRAINED_ON = ["train", *BACKGROUND[:1]]


rule keep_known:
    input:
        spikes=[f"<results>/{COHORTS.prefix(part)}spikes/spikes.parquet" for part in TRAINED_ON],
        splits=[f"<results>/{COHORTS.prefix(part)}dataset/splits.parquet" for part in TRAINED_ON],
    output:
        known="<results>/model/known.parquet",
    log:
        "<logs>/model/keep_known.log",
    conda:
        "../../envs/genomes.yaml"
    params:
        **given("keep_known", "dataset/analysed_per_class", "seed"),
    script:
        "../scripts/keep_known.py"


rule fit_class_space:
    input:
        model="<results>/model/finetuned",
        train="<results>/dataset/train.arrow",
    output:
        space="<results>/model/class_space.safetensors",
    log:
        "<logs>/model/fit_class_space.log",
    conda:
        TORCH
    threads: lookup("model/threads", within=config)
    resources:
        gpu=GPUS,
    params:
        **given(
            "fit_class_space",
            "classes",
            "evaluation/abstention/sequences_per_class",
            "evaluation/abstention/neighbours",
            "seed",
            *DEVICE,
        ),
    script:
        "../scripts/fit_class_space.py"


rule make_random_control:
    input:
        pretrained="<results>/model/pretrained",
    output:
        model=directory("<results>/model/random"),
        masked=directory("<results>/model/random_masked"),
    log:
        "<logs>/model/make_random_control.log",
    conda:
        "../../envs/torch.yaml"
    params:
        **given("make_random_control", "classes", "seed"),
    script:
        "../scripts/make_random_control.py"


rule plot_training:
    input:
        histories=expand(
            "<results>/model/history/{model}.tsv",
            model=["pretrained", *(model for model in MODELS if model != "random")],
        ),
    output:
        **figure("<results>/model/training", "training", figure="Training curves"),
        table=in_report("<results>/model/training.tsv", "training", table="Training curves"),
    log:
        "<logs>/model/plot_training.log",
    group:
        "figures"
    conda:
        "../../envs/plots.yaml"
    resources:
        **FIGURE,
    params:
        **given("plot_training"),
    script:
        "../scripts/plot_training.py"
