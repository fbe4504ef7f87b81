"""What really ran, and what went in and came out."""

# Files of the user and of the workflow that a run reads.
OF_USER = {
    *(path for cohort in ["", *COHORTS.prefixes.values()] for path in COHORTS.files(cohort)),
    *(path for path in values(*PARTS).values() if path),
}
# What was read from elsewhere is in the accepted genomes.
GENOMES = collect("<results>/{cohort}genomes/accepted.fasta.zst", cohort=["", *sorted(set(COHORTS.prefixes.values()))])


# The last rule of all: it reads the logs of the others.
rule write_provenance:
    input:
        inputs=[*(local(path) for path in sorted(OF_USER)), *GENOMES],
        results=[*targets(), *collect("<results>/geometry/{analysis}.tsv", analysis=ANALYSES)],
        model="<results>/model/finetuned",
    output:
        record="<results>/provenance.json",
        table=in_report("<results>/provenance.tsv", "provenance", table="Versions and machines"),
    log:
        "<logs>/write_provenance.log",
    conda:
        "../../envs/plots.yaml"
    params:
        **given("write_provenance"),
        config=config,
    script:
        "../scripts/write_provenance.py"


# What a crate holds of the run: nothing of single genomes, whose terms may forbid to pass them on.
CRATED = [
    *("provenance.json", "provenance.tsv", "findings.tsv", "methods.html", "front.rst"),
    *("genomes/counts.tsv", "dataset/split_sizes.tsv", "dataset/vocabulary.txt"),
    *("model/card.md", "model/about.json", "model/tries/finetuned.tsv"),
    *("evaluation/metrics.tsv", "evaluation/abstention.tsv", "evaluation/thresholds.tsv"),
    *(f"geometry/{analysis}.{kind}" for analysis in ANALYSES for kind in ("tsv", "png")),
]


rule write_crate:
    input:
        record="<results>/provenance.json",
        files=[f"<results>/{name}" for name in CRATED],
    output:
        folder=directory("<results>/crate"),
    log:
        "<logs>/write_crate.log",
    localrule: True
    conda:
        "../../envs/crate.yaml"
    params:
        **given("write_crate"),
        names=CRATED,
    script:
        "../scripts/write_crate.py"


rule crate:
    input:
        "<results>/crate",
    localrule: True
