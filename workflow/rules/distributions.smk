"""Distributions of tokens and of activations. Each analysis is a rule that measures and a rule that draws."""


rule token_divergence:
    input:
        reference="<results>/reference/genome.fasta",
        spikes="<results>/spikes/spikes.parquet",
        splits="<results>/dataset/splits.parquet",
        external=collect(
            "<results>/external/{name}/spikes/spikes.parquet", name=EXTERNAL
        ),
    output:
        table="<results>/geometry/token_divergence.tsv",
        sequences="<results>/geometry/token_divergence/sequences.parquet",
        slots="<results>/geometry/token_divergence/slots.parquet",
    log:
        "<logs>/geometry/token_divergence.log",
    benchmark:
        "<benchmarks>/geometry/token_divergence.tsv"
    conda:
        "../../envs/plots.yaml"
    threads: 1
    params:
        start=lookup("reference/start", within=config),
        end=lookup("reference/end", within=config),
        k=lookup("dataset/k", within=config),
        stride=lookup("dataset/stride", within=config),
        analysed_per_class=lookup("dataset/analysed_per_class", within=config),
        external=EXTERNAL,
        selected_classes=lookup("analyses/token_divergence/classes", within=config),
        sequences_per_class=lookup(
            "analyses/token_divergence/sequences_per_class", within=config
        ),
        shuffles=lookup("analyses/token_divergence/shuffles", within=config),
        classes=lookup("classes", within=config),
        confidence=lookup("evaluation/confidence", within=config),
        seed=lookup("seed", within=config),
        library=code_of("token_divergence"),
    message:
        "Comparing tokens with the reference's"
    script:
        "../scripts/token_divergence.py"


rule plot_token_divergence:
    input:
        table="<results>/geometry/token_divergence.tsv",
        sequences="<results>/geometry/token_divergence/sequences.parquet",
        slots="<results>/geometry/token_divergence/slots.parquet",
    output:
        png=report(
            "<results>/geometry/token_divergence.png",
            caption="../report/token_divergence.rst",
            category="5 Geometry",
            labels={"figure": "Token divergence"},
        ),
        svg="<results>/geometry/token_divergence.svg",
    log:
        "<logs>/geometry/plot_token_divergence.log",
    conda:
        "../../envs/plots.yaml"
    params:
        classes=lookup("classes", within=config),
        selected_classes=lookup("analyses/token_divergence/classes", within=config),
        library=code_of("plot_token_divergence"),
    message:
        "Drawing the tokens that differ from the reference's"
    script:
        "../scripts/plot_token_divergence.py"


rule activation_distributions:
    input:
        model="<results>/model/finetuned",
        sequences="<results>/activations/sequences.tsv",
        hidden_states="<results>/activations/hidden_states.npy",
        tokens="<results>/activations/tokens.npy",
    output:
        table="<results>/geometry/activation_distributions.tsv",
        sequences="<results>/geometry/activation_distributions/sequences.parquet",
        histogram="<results>/geometry/activation_distributions/histogram.parquet",
        columns="<results>/geometry/activation_distributions/columns.parquet",
    log:
        "<logs>/geometry/activation_distributions.log",
    benchmark:
        "<benchmarks>/geometry/activation_distributions.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    params:
        layers=lookup("analyses/activation_distributions/layers", within=config),
        selected_classes=lookup(
            "analyses/activation_distributions/classes", within=config
        ),
        alpha=lookup("analyses/activation_distributions/alpha", within=config),
        outlier=lookup("analyses/activation_distributions/outlier", within=config),
        bin_width=lookup("analyses/activation_distributions/bin_width", within=config),
        site_sequences=lookup(
            "analyses/activation_distributions/site_sequences", within=config
        ),
        classes=lookup("classes", within=config),
        confidence=lookup("evaluation/confidence", within=config),
        library=code_of("activation_distributions"),
    message:
        "Testing the token vectors of every layer for normality"
    script:
        "../scripts/activation_distributions.py"


rule plot_activation_distributions:
    input:
        table="<results>/geometry/activation_distributions.tsv",
        histogram="<results>/geometry/activation_distributions/histogram.parquet",
        columns="<results>/geometry/activation_distributions/columns.parquet",
    output:
        png=report(
            "<results>/geometry/activation_distributions.png",
            caption="../report/activation_distributions.rst",
            category="5 Geometry",
            labels={"figure": "Activation distributions"},
        ),
        svg="<results>/geometry/activation_distributions.svg",
    log:
        "<logs>/geometry/plot_activation_distributions.log",
    conda:
        "../../envs/plots.yaml"
    params:
        classes=lookup("classes", within=config),
        selected_classes=lookup(
            "analyses/activation_distributions/classes", within=config
        ),
        alpha=lookup("analyses/activation_distributions/alpha", within=config),
        outlier=lookup("analyses/activation_distributions/outlier", within=config),
        library=code_of("plot_activation_distributions"),
    message:
        "Drawing the distributions of the activations"
    script:
        "../scripts/plot_activation_distributions.py"
