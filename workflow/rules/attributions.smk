"""Which tokens decide on the class, and whether these hold the class's defining mutations."""


rule attributions:
    input:
        model="<results>/model/finetuned",
        sequences="<results>/activations/sequences.tsv",
        hidden_states="<results>/activations/hidden_states.npy",
        tokens="<results>/activations/tokens.npy",
        vocabulary="<results>/dataset/vocabulary.txt",
        reference="<results>/reference/genome.fasta",
        definitions=DEFINITIONS,
    output:
        table="<results>/geometry/attributions.tsv",
        findings="<results>/geometry/attributions/findings.tsv",
        sequences="<results>/geometry/attributions/sequences.parquet",
        tokens="<results>/geometry/attributions/tokens.parquet",
    log:
        "<logs>/geometry/attributions.log",
    benchmark:
        "<benchmarks>/geometry/attributions.tsv"
    conda:
        TORCH
    threads: lookup("model/threads", within=config)
    resources:
        gpu=GPUS,
    params:
        selected_classes=lookup("analyses/attributions/classes", within=config),
        sequences_per_class=lookup(
            "analyses/attributions/sequences_per_class", within=config
        ),
        settings={
            "baselines": lookup("analyses/attributions/baselines", within=config),
            "steps": lookup("analyses/attributions/steps", within=config),
            "batch_size": lookup("inference/batch_size", within=config),
            "residual": lookup("analyses/attributions/residual", within=config),
        },
        share=lookup("analyses/attributions/share", within=config),
        cutoffs=lookup("analyses/attributions/cutoffs", within=config),
        classes=lookup("classes", within=config),
        gene=[
            lookup("reference/start", within=config),
            lookup("reference/end", within=config),
        ],
        insertions=lookup("dataset/coordinates", within=config) == "native",
        k=lookup("dataset/k", within=config),
        stride=lookup("dataset/stride", within=config),
        device=lookup("model/device", within=config),
        threads=lookup("model/threads", within=config),
        confidence=lookup("evaluation/confidence", within=config),
        library=code_of("attributions"),
    message:
        "Asking which tokens decide on the class"
    script:
        "../scripts/attributions.py"


rule plot_attributions:
    input:
        table="<results>/geometry/attributions.tsv",
        tokens="<results>/geometry/attributions/tokens.parquet",
        domains=lookup("reference/domains", within=config),
    output:
        png=report(
            "<results>/geometry/attributions.png",
            caption="../report/attributions.rst",
            category="5 Geometry",
            labels={"figure": "Attributions: which positions decide"},
        ),
        svg="<results>/geometry/attributions.svg",
    log:
        "<logs>/geometry/plot_attributions.log",
    conda:
        "../../envs/plots.yaml"
    params:
        classes=lookup("classes", within=config),
        selected_classes=lookup("analyses/attributions/classes", within=config),
        library=code_of("plot_attributions"),
    message:
        "Drawing which tokens decide on the class"
    script:
        "../scripts/plot_attributions.py"
