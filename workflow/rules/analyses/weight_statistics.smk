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
    params:
        **measured("weight_statistics"),
        models=COMPARED,
    script:
        "../../scripts/weight_statistics.py"


FIGURES["weight_statistics"] = Figure(
    "Weights and LayerNorms",
    "Weights",
    params=settings("weight_statistics", "rogue_z", "rogue_layers"),
    outputs=folder_of_figures("weight_statistics", "maps", "Weights", "Maps of weights: {figure}"),
)
