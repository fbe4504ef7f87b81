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


# Those of them that rest on recorded activations alone, and are measured of replicates too.
REPLICATED = [
    name
    for name in (
        "attention_positions",
        "attention_roles",
        "attributions",
        "context_similarity",
        "isotropy",
    )
    if name in ANALYSES
]


rule gather_findings:
    input:
        findings=[written_by(name, "findings.tsv") for name in FINDINGS],
        replicates=collect(
            "<results>/replicates/{replicate}/geometry/{name}/findings.tsv",
            replicate=REPLICATES,
            name=REPLICATED,
        ),
        tries="<results>/model/tries/finetuned.tsv",
    output:
        table=report(
            "<results>/findings.tsv",
            caption="../report/findings.rst",
            category="5 Geometry",
            labels={"table": "Findings of other work, and this model"},
        ),
    log:
        "<logs>/gather_findings.log",
    conda:
        "../../envs/plots.yaml"
    params:
        names=REPLICATES,
        library=digest("evaluation.findings", "logs", "tables"),
    message:
        "Gathering the findings"
    script:
        "../scripts/gather_findings.py"
