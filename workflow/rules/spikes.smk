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
        cohort=cohort_name,
        start=lookup("reference/start", within=config),
        end=lookup("reference/end", within=config),
        tile_length=lookup("alignment/tile_length", within=config),
        tile_overlap=lookup("alignment/tile_overlap", within=config),
        min_covered_fraction=lookup("spikes/min_covered_fraction", within=config),
        max_n_fraction=lookup("spikes/max_n_fraction", within=config),
        library=code_of("extract_spikes"),
    message:
        "Extracting the gene from shard {wildcards.shard} of the genomes of {params.cohort}"
    script:
        "../scripts/extract_spikes.py"


rule gather_spikes:
    input:
        spikes=collect(
            "<results>/{{cohort}}spikes/shards/{shard}.parquet", shard=ALIGNMENT_SHARDS
        ),
        rejected=collect(
            "<results>/{{cohort}}spikes/shards/{shard}.rejected.tsv",
            shard=ALIGNMENT_SHARDS,
        ),
    output:
        spikes="<results>/{cohort}spikes/spikes.parquet",
        rejected=report(
            "<results>/{cohort}spikes/rejected.tsv",
            caption="../report/spikes_rejected.rst",
            category="1 Genomes",
            labels=cohort_labels("table", "Genomes without a usable gene"),
        ),
    log:
        "<logs>/{cohort}spikes/gather_spikes.log",
    conda:
        "../../envs/align.yaml"
    params:
        cohort=cohort_name,
        library=code_of("gather_spikes"),
    message:
        "Gathering the gene sequences of {params.cohort}"
    script:
        "../scripts/gather_spikes.py"


rule summarise_spikes:
    input:
        spikes="<results>/{cohort}spikes/spikes.parquet",
    output:
        values="<results>/{cohort}spikes/summary.tsv",
        indels=report(
            "<results>/{cohort}spikes/indels.tsv",
            caption="../report/spikes_indels.rst",
            category="1 Genomes",
            labels=cohort_labels("table", "Deletions and insertions"),
        ),
    log:
        "<logs>/{cohort}spikes/summarise_spikes.log",
    conda:
        "../../envs/genomes.yaml"
    params:
        cohort=cohort_name,
        library=code_of("summarise_spikes"),
    message:
        "Counting indels in the gene sequences of {params.cohort}"
    script:
        "../scripts/summarise_spikes.py"


rule plot_spikes:
    input:
        values="<results>/{cohort}spikes/summary.tsv",
        indels="<results>/{cohort}spikes/indels.tsv",
    output:
        png=report(
            "<results>/{cohort}spikes/spikes.png",
            caption="../report/spikes.rst",
            category="1 Genomes",
            labels=cohort_labels("figure", "Gene sequences"),
        ),
        svg="<results>/{cohort}spikes/spikes.svg",
    log:
        "<logs>/{cohort}spikes/plot_spikes.log",
    conda:
        "../../envs/plots.yaml"
    params:
        cohort=cohort_title,
        classes=lookup("classes", within=config),
        gene=lookup("reference/gene", within=config),
        start=lookup("reference/start", within=config),
        end=lookup("reference/end", within=config),
        library=code_of("plot_spikes"),
    message:
        "Drawing the gene sequences of {params.cohort}"
    script:
        "../scripts/plot_spikes.py"
