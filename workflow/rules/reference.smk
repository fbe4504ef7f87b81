"""The reference genome, its index for the aligner, and the parts of the gene's protein."""

# Files that describe the reference.
PARTS = [f"reference/{key}" for key in ("fasta", "annotation", "domains", "regions")]


rule index_reference:
    input:
        reference=local(config["reference"]["fasta"]),
    output:
        fasta="<results>/reference/genome.fasta",
        index=multiext("<results>/reference/genome.fasta", ".amb", ".ann", ".bwt", ".pac", ".sa"),
    log:
        "<logs>/reference/index_reference.log",
    conda:
        "../../envs/align.yaml"
    shell:
        "(cp {input.reference:q} {output.fasta:q} && bwa index {output.fasta:q}) 2> {log:q}"


rule describe_parts:
    input:
        **{key: local(path) for key, path in values(*PARTS).items() if path},
    output:
        domains="<results>/reference/domains.tsv",
        regions="<results>/reference/regions.tsv",
    log:
        "<logs>/reference/describe_parts.log",
    conda:
        "../../envs/genomes.yaml"
    params:
        **given("describe_parts", *GENE),
    script:
        "../scripts/describe_parts.py"
