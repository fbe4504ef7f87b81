"""Score the bilinear form of every head and layer of each model, and random forms of the same shape."""


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
        "../../../envs/torch.yaml"
    params:
        **measured("subspace_directionality", "evaluation/confidence", "seed"),
        models=COMPARED,
    script:
        "../../scripts/subspace_directionality.py"


FIGURES["subspace_directionality"] = Figure("Directionality of subspace selection", "Weights")
