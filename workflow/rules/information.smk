"""How widely the attention of the fine-tuned model is spread, and where it flows."""


rule attention_entropy:
    input:
        model="<results>/model/finetuned",
        sequences="<results>/activations/sequences.tsv",
        hidden_states="<results>/activations/hidden_states.npy",
        tokens="<results>/activations/tokens.npy",
        attention="<results>/activations/attention_mean.npz",
    output:
        table="<results>/geometry/attention_entropy.tsv",
        sequences="<results>/geometry/attention_entropy/sequences.parquet",
        tokens="<results>/geometry/attention_entropy/tokens.parquet",
        sizes="<results>/geometry/attention_entropy/sizes.parquet",
    log:
        "<logs>/geometry/attention_entropy.log",
    benchmark:
        "<benchmarks>/geometry/attention_entropy.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    params:
        layers=lookup("analyses/attention_entropy/layers", within=config),
        heads=lookup("analyses/attention_entropy/heads", within=config),
        selected_classes=lookup("analyses/attention_entropy/classes", within=config),
        mass=lookup("analyses/attention_entropy/mass", within=config),
        histogram_bins=lookup(
            "analyses/attention_entropy/histogram_bins", within=config
        ),
        classes=lookup("classes", within=config),
        confidence=lookup("evaluation/confidence", within=config),
        library=code_of("attention_entropy"),
    message:
        "Measuring how widely attention is spread"
    script:
        "../scripts/attention_entropy.py"


rule plot_attention_entropy:
    input:
        table="<results>/geometry/attention_entropy.tsv",
        sequences="<results>/geometry/attention_entropy/sequences.parquet",
        tokens="<results>/geometry/attention_entropy/tokens.parquet",
        sizes="<results>/geometry/attention_entropy/sizes.parquet",
    output:
        png=report(
            "<results>/geometry/attention_entropy.png",
            caption="../report/attention_entropy.rst",
            category="5 Geometry",
            labels={"figure": "Attention entropy"},
        ),
        svg="<results>/geometry/attention_entropy.svg",
    log:
        "<logs>/geometry/plot_attention_entropy.log",
    conda:
        "../../envs/plots.yaml"
    params:
        classes=lookup("classes", within=config),
        selected_classes=lookup("analyses/attention_entropy/classes", within=config),
        mass=lookup("analyses/attention_entropy/mass", within=config),
        library=code_of("plot_attention_entropy"),
    message:
        "Drawing how widely attention is spread"
    script:
        "../scripts/plot_attention_entropy.py"


rule attention_flow:
    input:
        model="<results>/model/finetuned",
        sequences="<results>/activations/sequences.tsv",
        hidden_states="<results>/activations/hidden_states.npy",
        tokens="<results>/activations/tokens.npy",
        domains=lookup("reference/domains", within=config),
    output:
        table="<results>/geometry/attention_flow.tsv",
        sequences="<results>/geometry/attention_flow/sequences.parquet",
        layers="<results>/geometry/attention_flow/layers.parquet",
    log:
        "<logs>/geometry/attention_flow.log",
    benchmark:
        "<benchmarks>/geometry/attention_flow.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    params:
        heads=lookup("analyses/attention_flow/heads", within=config),
        selected_classes=lookup("analyses/attention_flow/classes", within=config),
        weights=lookup("analyses/attention_flow/weights", within=config),
        residual=lookup("analyses/attention_flow/residual", within=config),
        source=lookup("analyses/attention_flow/source", within=config),
        exact_sinks=lookup("analyses/attention_flow/exact_sinks", within=config),
        classes=lookup("classes", within=config),
        confidence=lookup("evaluation/confidence", within=config),
        seed=lookup("seed", within=config),
        k=lookup("dataset/k", within=config),
        stride=lookup("dataset/stride", within=config),
        library=code_of("attention_flow"),
    message:
        "Following attention from [CLS] down to the input"
    script:
        "../scripts/attention_flow.py"


rule plot_attention_flow:
    input:
        table="<results>/geometry/attention_flow.tsv",
        layers="<results>/geometry/attention_flow/layers.parquet",
        domains=lookup("reference/domains", within=config),
    output:
        png=report(
            "<results>/geometry/attention_flow.png",
            caption="../report/attention_flow.rst",
            category="5 Geometry",
            labels={"figure": "Attention rollout and flow"},
        ),
        svg="<results>/geometry/attention_flow.svg",
    log:
        "<logs>/geometry/plot_attention_flow.log",
    conda:
        "../../envs/plots.yaml"
    params:
        classes=lookup("classes", within=config),
        selected_classes=lookup("analyses/attention_flow/classes", within=config),
        source=lookup("analyses/attention_flow/source", within=config),
        k=lookup("dataset/k", within=config),
        stride=lookup("dataset/stride", within=config),
        library=code_of("plot_attention_flow"),
    message:
        "Drawing attention rollout and flow along the gene"
    script:
        "../scripts/plot_attention_flow.py"
