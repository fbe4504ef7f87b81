"""From a source to the accepted genomes, and why the others are not."""


rule collect_genomes:
    input:
        source=source_files,
    output:
        fasta="<results>/{cohort}genomes/accepted.fasta.zst",
        accepted="<results>/{cohort}genomes/accepted.tsv",
        rejected=report(
            "<results>/{cohort}genomes/rejected.tsv",
            caption="../report/genomes_rejected.rst",
            category="1 Genomes",
            labels=cohort_labels("table", "Rejected records"),
        ),
        counts="<results>/{cohort}genomes/counts.tsv",
    log:
        "<logs>/{cohort}genomes/collect_genomes.log",
    benchmark:
        "<benchmarks>/{cohort}genomes/collect_genomes.tsv"
    conda:
        "../../envs/genomes.yaml"
    params:
        source=source_of,
        key=source_key,
        cohort=cohort_name,
        reference=lookup("reference/fasta", within=config),
        cleaning=lookup("cleaning", within=config),
        classes=lookup("classes", within=config),
        class_rules=class_rules_of,
        seed=lookup("seed", within=config),
        unusable=lambda wildcards: unusable_table(wildcards.cohort),
        library=code_of("collect_genomes"),
    message:
        "Collecting the genomes of {params.cohort}"
    script:
        "../scripts/collect_genomes.py"


rule plot_genomes:
    input:
        accepted="<results>/{cohort}genomes/accepted.tsv",
        counts="<results>/{cohort}genomes/counts.tsv",
    output:
        png=report(
            "<results>/{cohort}genomes/cohort.png",
            caption="../report/genomes.rst",
            category="1 Genomes",
            labels=cohort_labels("figure", "Cohort"),
        ),
        svg="<results>/{cohort}genomes/cohort.svg",
    log:
        "<logs>/{cohort}genomes/plot_genomes.log",
    conda:
        "../../envs/plots.yaml"
    params:
        cohort=cohort_title,
        classes=lookup("classes", within=config),
        library=code_of("plot_genomes"),
    message:
        "Drawing the genomes of {params.cohort}"
    script:
        "../scripts/plot_genomes.py"
