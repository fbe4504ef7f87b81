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
        **settings(
            "attributions",
            "classes",
            "baselines",
            "steps",
            "residual",
            "share",
            "cutoffs",
            "sequences_per_class",
        ),
        **of_run(
            "classes", "k", "stride", "batch_size", "device", "threads", "confidence"
        ),
        gene=[
            lookup("reference/start", within=config),
            lookup("reference/end", within=config),
        ],
        insertions=lookup("dataset/coordinates", within=config) == "native",
        library=code_of("attributions"),
    message:
        "Asking which tokens decide on the class"
    script:
        "../../scripts/attributions.py"


rule plot_attributions:
    input:
        table="<results>/geometry/attributions.tsv",
        tokens="<results>/geometry/attributions/tokens.parquet",
        domains=lookup("reference/domains", within=config),
    output:
        **figure("attributions", "Attributions: which positions decide"),
    log:
        "<logs>/geometry/plot_attributions.log",
    conda:
        "../../../envs/plots.yaml"
    params:
        **settings("attributions", "classes"),
        **of_run("classes"),
        library=code_of("plot_attributions"),
    message:
        "Drawing which tokens decide on the class"
    script:
        "../../scripts/plot_attributions.py"
