"""The reference genome and its index for the aligner."""


rule index_reference:
    input:
        reference=lookup("reference/fasta", within=config),
    output:
        fasta="<results>/reference/genome.fasta",
        index=multiext("<results>/reference/genome.fasta", ".amb", ".ann", ".bwt", ".pac", ".sa"),
    log:
        "<logs>/reference/index_reference.log",
    conda:
        "../../envs/align.yaml"
    shell:
        "(cp {input.reference:q} {output.fasta:q} && bwa index {output.fasta:q}) 2> {log:q}"
