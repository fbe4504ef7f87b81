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
    threads: 1
    params:
        **settings("subspace_directionality"),
        **of_run("confidence", "seed"),
        models=COMPARED,
        library=code_of("subspace_directionality"),
    message:
        "Scoring the bilinear forms of the heads"
    script:
        "../../scripts/subspace_directionality.py"


rule plot_subspace_directionality:
    input:
        table="<results>/geometry/subspace_directionality.tsv",
        spectra="<results>/geometry/subspace_directionality/spectra.parquet",
    output:
        **figure("subspace_directionality", "Directionality of subspace selection"),
    log:
        "<logs>/geometry/plot_subspace_directionality.log",
    conda:
        "../../../envs/plots.yaml"
    params:
        library=code_of("plot_subspace_directionality"),
    message:
        "Drawing the bilinear forms of the heads"
    script:
        "../../scripts/plot_subspace_directionality.py"
