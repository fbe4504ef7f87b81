"""What every block of the fine-tuned model tells of the class."""

PROBED = ["test", *EXTERNAL]
# Whole models whose predictions stand beside the readouts.
WHOLE_MODELS = {
    "finetuned": "<results>/predictions/finetuned/{set}.parquet",
    "kmer_logistic": "<results>/predictions/baselines/kmer_logistic/{set}.parquet",
    "majority": "<results>/predictions/baselines/majority/{set}.parquet",
}


rule layer_probes:
    input:
        model="<results>/model/finetuned",
        train="<results>/dataset/train.arrow",
        validation="<results>/dataset/validation.arrow",
        sets=collect("<results>/dataset/{set}.arrow", set=PROBED),
        references=[
            path.replace("{set}", name)
            for name in PROBED
            for path in WHOLE_MODELS.values()
        ],
    output:
        table="<results>/geometry/layer_probes.tsv",
        penalties="<results>/geometry/layer_probes/penalties.tsv",
        findings="<results>/geometry/layer_probes/findings.tsv",
    log:
        "<logs>/geometry/layer_probes.log",
    benchmark:
        "<benchmarks>/geometry/layer_probes.tsv"
    conda:
        TORCH
    threads: lookup("model/threads", within=config)
    resources:
        gpu=GPUS,
    params:
        sets=PROBED,
        references=list(WHOLE_MODELS),
        sequences_per_class=lookup(
            "analyses/layer_probes/sequences_per_class", within=config
        ),
        evaluated_per_class=lookup(
            "analyses/layer_probes/evaluated_per_class", within=config
        ),
        batch_size=lookup("inference/batch_size", within=config),
        device=lookup("model/device", within=config),
        threads=lookup("model/threads", within=config),
        classes=lookup("classes", within=config),
        bootstrap=lookup("evaluation/bootstrap", within=config),
        confidence=lookup("evaluation/confidence", within=config),
        seed=lookup("seed", within=config),
        library=code_of("layer_probes"),
    message:
        "Reading the class out of every block"
    script:
        "../scripts/layer_probes.py"


rule plot_layer_probes:
    input:
        table="<results>/geometry/layer_probes.tsv",
    output:
        png=report(
            "<results>/geometry/layer_probes.png",
            caption="../report/layer_probes.rst",
            category="5 Geometry",
            labels={"figure": "Layer probes"},
        ),
        svg="<results>/geometry/layer_probes.svg",
    log:
        "<logs>/geometry/plot_layer_probes.log",
    conda:
        "../../envs/plots.yaml"
    params:
        library=code_of("plot_layer_probes"),
    message:
        "Drawing what every block tells of the class"
    script:
        "../scripts/plot_layer_probes.py"
