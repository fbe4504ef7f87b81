"""Ask which tokens decide on the class of each sequence, and whether these hold the class's defining mutations."""


rule attributions:
    input:
        **RECORDED,
        vocabulary="<results>/dataset/vocabulary.txt",
        reference="<results>/reference/genome.fasta",
        definitions=DEFINITIONS,
    output:
        table="<results>/{network}geometry/attributions.tsv",
        findings="<results>/{network}geometry/attributions/findings.tsv",
        sequences="<results>/{network}geometry/attributions/sequences.parquet",
        tokens="<results>/{network}geometry/attributions/tokens.parquet",
        mutations="<results>/{network}geometry/attributions/mutations.tsv",
    log:
        "<logs>/{network}geometry/attributions.log",
    benchmark:
        "<benchmarks>/{network}geometry/attributions.tsv"
    conda:
        TORCH
    threads: lookup("model/threads", within=config)
    resources:
        gpu=GPUS,
    params:
        **measured("attributions", "classes", "dataset/coordinates", "evaluation/confidence", *KMERS, *GENE, *DEVICE),
    script:
        "../../scripts/attributions.py"


FIGURES["attributions"] = Figure("Attributions: which positions decide", "Tokens", inputs=DOMAINS)
