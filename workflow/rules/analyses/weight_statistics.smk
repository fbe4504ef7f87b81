"""Measure the weights and LayerNorms of every layer of each model, and map the weights of the fine-tuned one."""


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
        "../../../envs/torch.yaml"
    threads: 1
    params:
        **settings("weight_statistics"),
        models=COMPARED,
        library=code_of("weight_statistics"),
    message:
        "Measuring the weights of the layers"
    script:
        "../../scripts/weight_statistics.py"


rule plot_weight_statistics:
    input:
        table="<results>/geometry/weight_statistics.tsv",
        histograms="<results>/geometry/weight_statistics/histograms.parquet",
        coordinates="<results>/geometry/weight_statistics/coordinates.parquet",
        maps="<results>/geometry/weight_statistics/maps.npz",
    output:
        **figure("weight_statistics", "Weights and LayerNorms"),
        maps=report(
            directory("<results>/geometry/weight_statistics/maps"),
            patterns=["{map}.png"],
            caption="../../report/weight_statistics_maps.rst",
            category="5 Geometry",
            labels={"figure": "Maps of weights: {map}"},
        ),
    log:
        "<logs>/geometry/plot_weight_statistics.log",
    conda:
        "../../../envs/plots.yaml"
    params:
        **settings("weight_statistics", "rogue_z", "rogue_layers"),
        library=code_of("plot_weight_statistics"),
    message:
        "Drawing the weights of the layers"
    script:
        "../../scripts/plot_weight_statistics.py"
