"""Pre-training, fine-tuning and the control models, as Hugging Face folders."""

BASE = config["model"]["base"]


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
        base=BASE,
        library=code_of("copy_base"),
    message:
        "Checking the base of the classifier: {params.base}"
    script:
        "../scripts/copy_base.py"


rule pretrain:
    input:
        base=[] if BASE == "pretrain" else "<results>/model/base",
        train="<results>/dataset/train.arrow",
        validation="<results>/dataset/validation.arrow",
        vocabulary="<results>/dataset/vocabulary.txt",
    output:
        model=directory("<results>/model/pretrained"),
        history="<results>/model/history/pretrained.tsv",
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
        base=BASE,
        architecture=lookup("model/architecture", within=config),
        settings=lookup("model/pretrain", within=config),
        precision=lookup("model/precision", within=config),
        compiled=lookup("model/compile", within=config),
        device=lookup("model/device", within=config),
        gpus=lookup("model/gpus", within=config),
        threads=lookup("model/threads", within=config),
        seed=lookup("seed", within=config),
        checkpoints=f"{CHECKPOINTS}/pretrained",
        library=code_of("pretrain"),
    message:
        "Making the start of the classifier: {params.base}"
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
        tries=report(
            "<results>/model/tries/{model}.tsv",
            caption="../report/tries.rst",
            category="3 Model",
            labels={"table": "Tries of {model}"},
        ),
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
        classes=lookup("classes", within=config),
        settings=lookup("model/finetune", within=config),
        precision=lookup("model/precision", within=config),
        compiled=lookup("model/compile", within=config),
        device=lookup("model/device", within=config),
        gpus=lookup("model/gpus", within=config),
        threads=lookup("model/threads", within=config),
        seed=seed_of,
        phase=phase_of,
        checkpoints=checkpoints_of,
        library=code_of("finetune"),
    message:
        "Fine-tuning the classifier: {wildcards.model}"
    script:
        "../scripts/finetune.py"


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
        classes=lookup("classes", within=config),
        sequences_per_class=lookup(
            "evaluation/abstention/sequences_per_class", within=config
        ),
        neighbours=lookup("evaluation/abstention/neighbours", within=config),
        batch_size=lookup("inference/batch_size", within=config),
        device=lookup("model/device", within=config),
        threads=lookup("model/threads", within=config),
        seed=lookup("seed", within=config),
        library=code_of("fit_class_space"),
    message:
        "Measuring where the classes lie in the space of [CLS]"
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
        classes=lookup("classes", within=config),
        seed=lookup("seed", within=config),
        library=code_of("make_random_control"),
    message:
        "Making the untrained control"
    script:
        "../scripts/make_random_control.py"


rule plot_training:
    input:
        histories=expand(
            "<results>/model/history/{model}.tsv",
            model=[
                "pretrained",
                *(model for model in MODELS if model != "random"),
            ],
        ),
    output:
        table=report(
            "<results>/model/training.tsv",
            caption="../report/training.rst",
            category="3 Model",
            labels={"table": "Training curves"},
        ),
        png=report(
            "<results>/model/training.png",
            caption="../report/training.rst",
            category="3 Model",
            labels={"figure": "Training curves"},
        ),
        svg="<results>/model/training.svg",
    log:
        "<logs>/model/plot_training.log",
    conda:
        "../../envs/plots.yaml"
    params:
        library=code_of("plot_training"),
    message:
        "Drawing the training curves"
    script:
        "../scripts/plot_training.py"
