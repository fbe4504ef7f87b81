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
        library=digest(
            "evaluation.summaries",
            "geometry.attention_entropy",
            "geometry.heads",
            "geometry.selection",
            "logs",
            "model.activations",
            "model.weights",
            "tables",
        ),
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
        library=digest("figures.attention_entropy", "figures.style", "logs", "tables"),
    message:
        "Drawing how widely attention is spread"
    script:
        "../scripts/plot_attention_entropy.py"
