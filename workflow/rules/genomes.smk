"""From a source to the accepted genomes, and why the others are not."""


rule collect_genomes:
    input:
        source=source_files,
    output:
        fasta="<results>/{cohort}genomes/accepted.fasta.zst",
        accepted="<results>/{cohort}genomes/accepted.tsv",
        rejected=in_report(
            "<results>/{cohort}genomes/rejected.tsv",
            "genomes_rejected",
            "1 Genomes",
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
        source=source_of,
        key=source_key,
        cohort=cohort_name,
        reference=lookup("reference/fasta", within=config),
        class_rules=class_rules_of,
        unusable=lambda wildcards: unusable_table(wildcards.cohort),
    script:
        "../scripts/collect_genomes.py"


rule plot_genomes:
    input:
        accepted="<results>/{cohort}genomes/accepted.tsv",
        counts="<results>/{cohort}genomes/counts.tsv",
    output:
        **figure("<results>/{cohort}genomes/cohort", "genomes", "1 Genomes", set=cohort_name, figure="Cohort"),
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
        cohort=cohort_title,
    script:
        "../scripts/plot_genomes.py"
