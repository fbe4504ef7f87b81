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


rule gather_findings:
    input:
        findings=[written_by(name, "findings.tsv") for name in FINDINGS],
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
        library=digest("evaluation.findings", "logs", "tables"),
    message:
        "Gathering the findings"
    script:
        "../scripts/gather_findings.py"
