"""Read the class out of every block of the fine-tuned model: linear probes, and the classifier's head refitted."""

PROBED = ["test", *EXTERNAL]
# Whole models whose predictions stand beside the probes.
WHOLE_MODELS = ["finetuned", "baselines/kmer_logistic", "baselines/majority"]


rule layer_probes:
    input:
        model=network_model,
        train="<results>/dataset/train.arrow",
        validation="<results>/dataset/validation.arrow",
        sets=collect("<results>/dataset/{set}.arrow", set=PROBED),
        # In place of the first of the whole models stands the one that is measured.
        references=lambda wildcards: [
            f"<results>/predictions/{model}/{name}.parquet"
            for name in PROBED
            for model in [network_name(wildcards), *WHOLE_MODELS[1:]]
        ],
    output:
        table="<results>/{network}geometry/layer_probes.tsv",
        penalties="<results>/{network}geometry/layer_probes/penalties.tsv",
        findings="<results>/{network}geometry/layer_probes/findings.tsv",
    log:
        "<logs>/{network}geometry/layer_probes.log",
    benchmark:
        "<benchmarks>/{network}geometry/layer_probes.tsv"
    conda:
        TORCH
    threads: lookup("model/threads", within=config)
    resources:
        gpu=GPUS,
    params:
        **measured("layer_probes", "classes", *DEVICE, *RESAMPLING),
        sets=PROBED,
        references=[Path(model).name for model in WHOLE_MODELS],
    script:
        "../../scripts/layer_probes.py"


FIGURES["layer_probes"] = Figure("Layer probes", "Information")
