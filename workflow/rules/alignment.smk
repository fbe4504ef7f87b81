"""Accepted genomes in shards, and the alignment of their tiles."""


rule shard_genomes:
    input:
        fasta="<results>/{cohort}genomes/accepted.fasta.zst",
        accepted="<results>/{cohort}genomes/accepted.tsv",
    output:
        fastas=collect("<results>/{{cohort}}alignment/shards/{shard}.fasta.zst", shard=ALIGNMENT_SHARDS),
        tables=collect("<results>/{{cohort}}alignment/shards/{shard}.tsv", shard=ALIGNMENT_SHARDS),
    log:
        "<logs>/{cohort}alignment/shard_genomes.log",
    conda:
        "../../envs/align.yaml"
    params:
        **given("shard_genomes"),
        cohort=cohort_name,
    script:
        "../scripts/shard_genomes.py"


rule align:
    input:
        genomes="<results>/{cohort}alignment/shards/{shard}.fasta.zst",
        table="<results>/{cohort}alignment/shards/{shard}.tsv",
        reference="<results>/reference/genome.fasta",
        index=multiext("<results>/reference/genome.fasta", ".amb", ".ann", ".bwt", ".pac", ".sa"),
    output:
        bam="<results>/{cohort}alignment/{shard}.bam",
        index="<results>/{cohort}alignment/{shard}.bam.bai",
    log:
        "<logs>/{cohort}alignment/{shard}.log",
    benchmark:
        "<benchmarks>/{cohort}alignment/{shard}.tsv"
    conda:
        "../../envs/align.yaml"
    threads: lookup("alignment/threads", within=config)
    params:
        **given("align", "alignment/tile_length", "alignment/tile_overlap", "alignment/preset"),
        cohort=cohort_name,
    script:
        "../scripts/align.py"
