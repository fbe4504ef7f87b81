"""From a source to the accepted genomes, and why the others are not."""


rule collect_genomes:
    input:
        # They are the user's: no prefix of a module applies to them.
        source=lambda wildcards: [local(path) for path in COHORTS.files(wildcards.cohort)],
        # Not read here: a model that cannot answer is found before the genomes are read.
        model="<model>/finetuned" if QUERY else [],
    output:
        fasta="<results>/{cohort}genomes/accepted.fasta.zst",
        accepted="<results>/{cohort}genomes/accepted.tsv",
        rejected=in_report(
            "<results>/{cohort}genomes/rejected.tsv",
            "genomes_rejected",
            set=cohort_name,
            table="Rejected records",
        ),
        counts="<results>/{cohort}genomes/counts.tsv",
    log:
        "<logs>/{cohort}genomes/collect_genomes.log",
    benchmark:
        "<benchmarks>/{cohort}genomes/collect_genomes.tsv"
    conda:
        "../../envs/genomes.yaml"
    params:
        **given("collect_genomes", "cleaning", "classes", "seed"),
        source=lambda wildcards: COHORTS.source(wildcards.cohort),
        key=lambda wildcards: COHORTS.key(wildcards.cohort),
        cohort=cohort_name,
        reference=lookup("reference/fasta", within=config),
        class_rules=lambda wildcards: COHORTS.class_rules(wildcards.cohort),
        unusable=lambda wildcards: COHORTS.unusable_table(wildcards.cohort),
    script:
        "../scripts/collect_genomes.py"


rule plot_genomes:
    input:
        accepted="<results>/{cohort}genomes/accepted.tsv",
        counts="<results>/{cohort}genomes/counts.tsv",
    output:
        **figure("<results>/{cohort}genomes/cohort", "genomes", set=cohort_name, figure="Cohort"),
    log:
        "<logs>/{cohort}genomes/plot_genomes.log",
    group:
        "figures"
    conda:
        "../../envs/plots.yaml"
    resources:
        **FIGURE,
    params:
        **given("plot_genomes", "classes"),
        cohort=lambda wildcards: COHORTS.title(wildcards.cohort),
    script:
        "../scripts/plot_genomes.py"
