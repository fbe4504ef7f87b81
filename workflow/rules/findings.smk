"""What other work found, and what this run's model says to it, in one table."""

# Analyses that compare claims of other work with the run's model.
FINDINGS = [
    "attention_positions",
    "attention_roles",
    "attention_shift",
    "attributions",
    "context_similarity",
    "head_ablation",
    "isotropy",
    "layer_probes",
    "token_accuracy",
]


# What is measured of replicates, whose masked model is another only where nothing was learnt.
REPLICATED = [
    (replicate, name)
    for replicate in REPLICATES
    for name in FINDINGS
    if name in ANALYSES and (name != "token_accuracy" or replicate == "random")
]


rule gather_findings:
    input:
        findings=[written_by(name, "findings.tsv") for name in FINDINGS],
        replicates=[f"<results>/replicates/{replicate}/geometry/{name}/findings.tsv" for replicate, name in REPLICATED],
        tries=collect(
            "<results>/model/tries/{model}.tsv",
            model=["finetuned", *(name for name in REPLICATES if name != "random")],
        ),
    output:
        table=in_report(
            "<results>/findings.tsv", "findings", "5 Geometry", table="Findings of other work, and this model"
        ),
    log:
        "<logs>/gather_findings.log",
    conda:
        "../../envs/plots.yaml"
    params:
        **given("gather_findings"),
        names=REPLICATES,
    script:
        "../scripts/gather_findings.py"
