"""Geometry of the weights: the fine-tuned model and the controls against the pre-trained start."""

# The first is the one that changes are measured from.
COMPARED = ["pretrained", *MODELS]


rule subspace_directionality:
    input:
        models=collect("<results>/model/{model}", model=COMPARED),
    output:
        table="<results>/geometry/subspace_directionality.tsv",
        spectra="<results>/geometry/subspace_directionality/spectra.parquet",
    log:
        "<logs>/geometry/subspace_directionality.log",
    benchmark:
        "<benchmarks>/geometry/subspace_directionality.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    params:
        models=COMPARED,
        layers=lookup("analyses/subspace_directionality/layers", within=config),
        heads=lookup("analyses/subspace_directionality/heads", within=config),
        top=lookup("analyses/subspace_directionality/top", within=config),
        random_forms=lookup(
            "analyses/subspace_directionality/random_forms", within=config
        ),
        confidence=lookup("evaluation/confidence", within=config),
        seed=lookup("seed", within=config),
        library=digest(
            "evaluation.summaries",
            "geometry.selection",
            "geometry.subspace_directionality",
            "logs",
            "model.weights",
            "tables",
        ),
    message:
        "Scoring the bilinear forms of the heads"
    script:
        "../scripts/subspace_directionality.py"


rule plot_subspace_directionality:
    input:
        table="<results>/geometry/subspace_directionality.tsv",
        spectra="<results>/geometry/subspace_directionality/spectra.parquet",
    output:
        png=report(
            "<results>/geometry/subspace_directionality.png",
            caption="../report/subspace_directionality.rst",
            category="5 Geometry",
            labels={"figure": "Directionality of subspace selection"},
        ),
        svg="<results>/geometry/subspace_directionality.svg",
    log:
        "<logs>/geometry/plot_subspace_directionality.log",
    conda:
        "../../envs/plots.yaml"
    params:
        library=digest(
            "figures.style", "figures.subspace_directionality", "logs", "tables"
        ),
    message:
        "Drawing the bilinear forms of the heads"
    script:
        "../scripts/plot_subspace_directionality.py"
