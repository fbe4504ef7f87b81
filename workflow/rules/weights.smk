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
        library=code_of("subspace_directionality"),
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
        library=code_of("plot_subspace_directionality"),
    message:
        "Drawing the bilinear forms of the heads"
    script:
        "../scripts/plot_subspace_directionality.py"


rule weight_statistics:
    input:
        models=collect("<results>/model/{model}", model=COMPARED),
    output:
        table="<results>/geometry/weight_statistics.tsv",
        histograms="<results>/geometry/weight_statistics/histograms.parquet",
        coordinates="<results>/geometry/weight_statistics/coordinates.parquet",
        maps="<results>/geometry/weight_statistics/maps.npz",
    log:
        "<logs>/geometry/weight_statistics.log",
    benchmark:
        "<benchmarks>/geometry/weight_statistics.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    params:
        models=COMPARED,
        layers=lookup("analyses/weight_statistics/layers", within=config),
        map_size=lookup("analyses/weight_statistics/map_size", within=config),
        energy_share=lookup("analyses/weight_statistics/energy_share", within=config),
        rogue_z=lookup("analyses/weight_statistics/rogue_z", within=config),
        rogue_layers=lookup("analyses/weight_statistics/rogue_layers", within=config),
        library=code_of("weight_statistics"),
    message:
        "Measuring the weights of the layers"
    script:
        "../scripts/weight_statistics.py"


rule plot_weight_statistics:
    input:
        table="<results>/geometry/weight_statistics.tsv",
        histograms="<results>/geometry/weight_statistics/histograms.parquet",
        coordinates="<results>/geometry/weight_statistics/coordinates.parquet",
        maps="<results>/geometry/weight_statistics/maps.npz",
    output:
        png=report(
            "<results>/geometry/weight_statistics.png",
            caption="../report/weight_statistics.rst",
            category="5 Geometry",
            labels={"figure": "Weights and LayerNorms"},
        ),
        svg="<results>/geometry/weight_statistics.svg",
        maps=report(
            directory("<results>/geometry/weight_statistics/maps"),
            patterns=["{map}.png"],
            caption="../report/weight_statistics_maps.rst",
            category="5 Geometry",
            labels={"figure": "Maps of weights: {map}"},
        ),
    log:
        "<logs>/geometry/plot_weight_statistics.log",
    conda:
        "../../envs/plots.yaml"
    params:
        rogue_z=lookup("analyses/weight_statistics/rogue_z", within=config),
        rogue_layers=lookup("analyses/weight_statistics/rogue_layers", within=config),
        library=code_of("plot_weight_statistics"),
    message:
        "Drawing the weights of the layers"
    script:
        "../scripts/plot_weight_statistics.py"
