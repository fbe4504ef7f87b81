"""Analyses of where attention goes: maps of the heads, and domains of the protein."""


rule attention_maps:
    input:
        model="<results>/model/finetuned",
        sequences="<results>/activations/sequences.tsv",
        hidden_states="<results>/activations/hidden_states.npy",
        tokens="<results>/activations/tokens.npy",
        attention="<results>/activations/attention_mean.npz",
    output:
        table="<results>/geometry/attention_maps.tsv",
        sequences="<results>/geometry/attention_maps/sequences.parquet",
        tokens="<results>/geometry/attention_maps/tokens.parquet",
        pairs="<results>/geometry/attention_maps/pairs.parquet",
        means="<results>/geometry/attention_maps/kmer_means.npy",
    log:
        "<logs>/geometry/attention_maps.log",
    benchmark:
        "<benchmarks>/geometry/attention_maps.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    params:
        layers=lookup("analyses/attention_maps/layers", within=config),
        heads=lookup("analyses/attention_maps/heads", within=config),
        selected_classes=lookup("analyses/attention_maps/classes", within=config),
        thresholds=lookup("analyses/attention_maps/thresholds", within=config),
        kappa=lookup("analyses/attention_maps/kappa", within=config),
        min_frequency=lookup("analyses/attention_maps/min_frequency", within=config),
        classes=lookup("classes", within=config),
        confidence=lookup("evaluation/confidence", within=config),
        k=lookup("dataset/k", within=config),
        stride=lookup("dataset/stride", within=config),
        library=code_of("attention_maps"),
    message:
        "Averaging the attention maps of the classes"
    script:
        "../scripts/attention_maps.py"


rule plot_attention_maps:
    input:
        table="<results>/geometry/attention_maps.tsv",
        means="<results>/geometry/attention_maps/kmer_means.npy",
        pairs="<results>/geometry/attention_maps/pairs.parquet",
        domains=lookup("reference/domains", within=config),
    output:
        png=report(
            "<results>/geometry/attention_maps.png",
            caption="../report/attention_maps.rst",
            category="5 Geometry",
            labels={"figure": "Attention maps: where attention goes"},
        ),
        svg="<results>/geometry/attention_maps.svg",
        layers=report(
            directory("<results>/geometry/attention_maps/layers"),
            patterns=["{figure}.png"],
            caption="../report/attention_maps_layers.rst",
            category="5 Geometry",
            labels={"figure": "Attention maps, {figure}"},
        ),
        heads=report(
            directory("<results>/geometry/attention_maps/heads"),
            patterns=["{figure}.png"],
            caption="../report/attention_maps_heads.rst",
            category="5 Geometry",
            labels={"figure": "Attention map, {figure}"},
        ),
    log:
        "<logs>/geometry/plot_attention_maps.log",
    conda:
        "../../envs/plots.yaml"
    params:
        classes=lookup("classes", within=config),
        selected_classes=lookup("analyses/attention_maps/classes", within=config),
        full_maps=lookup("analyses/attention_maps/full_maps", within=config),
        kappa=lookup("analyses/attention_maps/kappa", within=config),
        min_frequency=lookup("analyses/attention_maps/min_frequency", within=config),
        k=lookup("dataset/k", within=config),
        stride=lookup("dataset/stride", within=config),
        library=code_of("plot_attention_maps"),
    message:
        "Drawing the attention maps"
    script:
        "../scripts/plot_attention_maps.py"


rule attention_domains:
    input:
        model="<results>/model/finetuned",
        sequences="<results>/activations/sequences.tsv",
        hidden_states="<results>/activations/hidden_states.npy",
        tokens="<results>/activations/tokens.npy",
        spikes="<results>/spikes/spikes.parquet",
        domains=lookup("reference/domains", within=config),
        regions=lookup("reference/regions", within=config),
    output:
        table="<results>/geometry/attention_domains.tsv",
        sequences="<results>/geometry/attention_domains/sequences.parquet",
        pairs="<results>/geometry/attention_domains/pairs.parquet",
        top=report(
            "<results>/geometry/attention_domains/top_heads.tsv",
            caption="../report/attention_domains.rst",
            category="5 Geometry",
            labels={"table": "Attention into protein domains: top heads"},
        ),
    log:
        "<logs>/geometry/attention_domains.log",
    benchmark:
        "<benchmarks>/geometry/attention_domains.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    params:
        layers=lookup("analyses/attention_domains/layers", within=config),
        heads=lookup("analyses/attention_domains/heads", within=config),
        selected_classes=lookup("analyses/attention_domains/classes", within=config),
        threshold=lookup("analyses/attention_domains/threshold", within=config),
        permutations=lookup("analyses/attention_domains/permutations", within=config),
        classes=lookup("classes", within=config),
        confidence=lookup("evaluation/confidence", within=config),
        seed=lookup("seed", within=config),
        coordinates=lookup("dataset/coordinates", within=config),
        k=lookup("dataset/k", within=config),
        stride=lookup("dataset/stride", within=config),
        library=code_of("attention_domains"),
    message:
        "Measuring the attention into each domain"
    script:
        "../scripts/attention_domains.py"


rule plot_attention_domains:
    input:
        table="<results>/geometry/attention_domains.tsv",
        domains=lookup("reference/domains", within=config),
        regions=lookup("reference/regions", within=config),
    output:
        png=report(
            "<results>/geometry/attention_domains.png",
            caption="../report/attention_domains.rst",
            category="5 Geometry",
            labels={"figure": "Attention into protein domains"},
        ),
        svg="<results>/geometry/attention_domains.svg",
    log:
        "<logs>/geometry/plot_attention_domains.log",
    conda:
        "../../envs/plots.yaml"
    params:
        classes=lookup("classes", within=config),
        selected_classes=lookup("analyses/attention_domains/classes", within=config),
        library=code_of("plot_attention_domains"),
    message:
        "Drawing the attention into each domain"
    script:
        "../scripts/plot_attention_domains.py"
