"""What other work found, and what this run's model says to it, in one table."""

# Analyses that compare claims of other work with the run's model.
FINDINGS = sorted(name for name in ANALYSES if hasattr(getattr(rules, name).output, "findings"))
# What is measured of replicates, whose masked model is another only where nothing was learnt.
REPLICATED = [
    (replicate, name)
    for replicate, name in product(REPLICATES, FINDINGS)
    if name != "token_accuracy" or replicate == "random"
]


rule gather_findings:
    input:
        findings=collect("<results>/geometry/{analysis}/findings.tsv", analysis=FINDINGS),
        replicates=[f"<results>/replicates/{replicate}/geometry/{name}/findings.tsv" for replicate, name in REPLICATED],
        tries=collect(
            "<results>/model/tries/{model}.tsv",
            model=["finetuned", *(name for name in REPLICATES if name != "random")],
        ),
    output:
        table=in_report("<results>/findings.tsv", "findings", table="Findings of other work, and this model"),
    log:
        "<logs>/gather_findings.log",
    conda:
        "../../envs/plots.yaml"
    params:
        **given("gather_findings"),
        names=REPLICATES,
    script:
        "../scripts/gather_findings.py"


# All but the report's own text.
CAPTIONS = sorted(path.stem for path in (ROOT / "workflow/report").glob("*.rst") if path.stem != "workflow")


rule write_captions:
    input:
        **TOLD,
        kmers="<results>/dataset/kmer_counts.tsv",
        analyses=collect("<results>/geometry/{analysis}.tsv", analysis=ANALYSES),
        sources=[own(f"workflow/report/{name}.rst") for name in CAPTIONS],
    output:
        captions=directory("<results>/captions"),
        methods="<results>/methods.html",
        config="<results>/config.json",
    log:
        "<logs>/write_captions.log",
    conda:
        "../../envs/plots.yaml"
    params:
        **given("write_captions"),
        config=config,
        tables=list(TOLD),
    script:
        "../scripts/write_captions.py"
