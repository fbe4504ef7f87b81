"""Singular values of the matrices of the heads, and lengths of their vectors."""


rule singular_values:
    input:
        model="<results>/model/finetuned",
        sequences="<results>/activations/sequences.tsv",
        hidden_states="<results>/activations/hidden_states.npy",
        tokens="<results>/activations/tokens.npy",
    output:
        table="<results>/geometry/singular_values.tsv",
        histograms="<results>/geometry/singular_values/histograms.tsv",
        sequences="<results>/geometry/singular_values/sequences.parquet",
    log:
        "<logs>/geometry/singular_values.log",
    benchmark:
        "<benchmarks>/geometry/singular_values.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    params:
        layers=lookup("analyses/singular_values/layers", within=config),
        heads=lookup("analyses/singular_values/heads", within=config),
        selected_classes=lookup("analyses/singular_values/classes", within=config),
        threshold=lookup("analyses/singular_values/threshold", within=config),
        classes=lookup("classes", within=config),
        confidence=lookup("evaluation/confidence", within=config),
        library=code_of("singular_values"),
    message:
        "Measuring ranks and singular values"
    script:
        "../scripts/singular_values.py"


rule plot_singular_values:
    input:
        table="<results>/geometry/singular_values.tsv",
        histograms="<results>/geometry/singular_values/histograms.tsv",
    output:
        png=report(
            "<results>/geometry/singular_values.png",
            caption="../report/singular_values.rst",
            category="5 Geometry",
            labels={"figure": "Singular values"},
        ),
        svg="<results>/geometry/singular_values.svg",
    log:
        "<logs>/geometry/plot_singular_values.log",
    conda:
        "../../envs/plots.yaml"
    params:
        classes=lookup("classes", within=config),
        selected_classes=lookup("analyses/singular_values/classes", within=config),
        threshold=lookup("analyses/singular_values/threshold", within=config),
        library=code_of("plot_singular_values"),
    message:
        "Drawing ranks and singular values"
    script:
        "../scripts/plot_singular_values.py"


rule vector_norms:
    input:
        model="<results>/model/finetuned",
        sequences="<results>/activations/sequences.tsv",
        hidden_states="<results>/activations/hidden_states.npy",
        tokens="<results>/activations/tokens.npy",
    output:
        table="<results>/geometry/vector_norms.tsv",
        tokens="<results>/geometry/vector_norms/tokens.parquet",
        sequences="<results>/geometry/vector_norms/sequences.parquet",
    log:
        "<logs>/geometry/vector_norms.log",
    benchmark:
        "<benchmarks>/geometry/vector_norms.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    params:
        layers=lookup("analyses/vector_norms/layers", within=config),
        heads=lookup("analyses/vector_norms/heads", within=config),
        selected_classes=lookup("analyses/vector_norms/classes", within=config),
        classes=lookup("classes", within=config),
        confidence=lookup("evaluation/confidence", within=config),
        library=code_of("vector_norms"),
    message:
        "Measuring the lengths of vectors"
    script:
        "../scripts/vector_norms.py"


rule plot_vector_norms:
    input:
        table="<results>/geometry/vector_norms.tsv",
        tokens="<results>/geometry/vector_norms/tokens.parquet",
    output:
        png=report(
            "<results>/geometry/vector_norms.png",
            caption="../report/vector_norms.rst",
            category="5 Geometry",
            labels={"figure": "Vector norms"},
        ),
        svg="<results>/geometry/vector_norms.svg",
    log:
        "<logs>/geometry/plot_vector_norms.log",
    conda:
        "../../envs/plots.yaml"
    params:
        classes=lookup("classes", within=config),
        selected_classes=lookup("analyses/vector_norms/classes", within=config),
        library=code_of("plot_vector_norms"),
    message:
        "Drawing the lengths of vectors"
    script:
        "../scripts/plot_vector_norms.py"
