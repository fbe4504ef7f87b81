"""The gene of each genome, from its alignments."""


rule extract_spikes:
    input:
        genomes="<results>/{cohort}alignment/shards/{shard}.fasta.zst",
        table="<results>/{cohort}alignment/shards/{shard}.tsv",
        bam="<results>/{cohort}alignment/{shard}.bam",
        index="<results>/{cohort}alignment/{shard}.bam.bai",
        reference="<results>/reference/genome.fasta",
    output:
        spikes="<results>/{cohort}spikes/shards/{shard}.parquet",
        rejected="<results>/{cohort}spikes/shards/{shard}.rejected.tsv",
    log:
        "<logs>/{cohort}spikes/extract/{shard}.log",
    benchmark:
        "<benchmarks>/{cohort}spikes/extract/{shard}.tsv"
    conda:
        "../../envs/align.yaml"
    params:
        **given(
            "extract_spikes",
            "alignment/tile_length",
            "alignment/tile_overlap",
            "spikes/min_covered_fraction",
            "spikes/max_n_fraction",
            *GENE,
            "spikes/max_indel",
            "spikes/max_conflict",
            "alignment/preset",
        ),
        cohort=cohort_name,
    script:
        "../scripts/extract_spikes.py"


rule gather_spikes:
    input:
        spikes=collect("<results>/{{cohort}}spikes/shards/{shard}.parquet", shard=ALIGNMENT_SHARDS),
        rejected=collect("<results>/{{cohort}}spikes/shards/{shard}.rejected.tsv", shard=ALIGNMENT_SHARDS),
    output:
        spikes="<results>/{cohort}spikes/spikes.parquet",
        rejected=in_report(
            "<results>/{cohort}spikes/rejected.tsv",
            "spikes_rejected",
            set=cohort_name,
            table="Genomes without a usable gene",
        ),
    log:
        "<logs>/{cohort}spikes/gather_spikes.log",
    conda:
        "../../envs/align.yaml"
    params:
        **given("gather_spikes"),
        cohort=cohort_name,
    script:
        "../scripts/gather_spikes.py"


rule summarise_spikes:
    input:
        spikes="<results>/{cohort}spikes/spikes.parquet",
    output:
        values="<results>/{cohort}spikes/summary.tsv",
        indels=in_report(
            "<results>/{cohort}spikes/indels.tsv",
            "spikes_indels",
            set=cohort_name,
            table="Deletions and insertions",
        ),
    log:
        "<logs>/{cohort}spikes/summarise_spikes.log",
    conda:
        "../../envs/genomes.yaml"
    params:
        **given("summarise_spikes"),
        cohort=cohort_name,
    script:
        "../scripts/summarise_spikes.py"


rule plot_spikes:
    input:
        values="<results>/{cohort}spikes/summary.tsv",
        indels="<results>/{cohort}spikes/indels.tsv",
    output:
        **figure("<results>/{cohort}spikes/spikes", "spikes", set=cohort_name, figure="Gene sequences"),
    log:
        "<logs>/{cohort}spikes/plot_spikes.log",
    group:
        "figures"
    conda:
        "../../envs/plots.yaml"
    resources:
        **FIGURE,
    params:
        **given("plot_spikes", "classes", "reference/gene", *GENE),
        cohort=lambda wildcards: COHORTS.title(wildcards.cohort),
    script:
        "../scripts/plot_spikes.py"
