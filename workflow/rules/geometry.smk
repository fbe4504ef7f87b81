"""The geometry of the fine-tuned model. Each analysis is a rule that measures and a rule that draws."""


rule cone_index:
    input:
        model="<results>/model/finetuned",
        sequences="<results>/activations/sequences.tsv",
        hidden_states="<results>/activations/hidden_states.npy",
        tokens="<results>/activations/tokens.npy",
        cls="<results>/activations/cls.npy",
        split="<results>/dataset/test.arrow",
    output:
        table="<results>/geometry/cone_index.tsv",
        sequences="<results>/geometry/cone_index/sequences.parquet",
    log:
        "<logs>/geometry/cone_index.log",
    benchmark:
        "<benchmarks>/geometry/cone_index.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    params:
        layers=lookup("analyses/cone_index/layers", within=config),
        heads=lookup("analyses/cone_index/heads", within=config),
        selected_classes=lookup("analyses/cone_index/classes", within=config),
        rogue_coordinates=lookup("analyses/cone_index/rogue_coordinates", within=config),
        classes=lookup("classes", within=config),
        confidence=lookup("evaluation/confidence", within=config),
        library=code_of("cone_index"),
    message:
        "Measuring the cone index"
    script:
        "../scripts/cone_index.py"


rule plot_cone_index:
    input:
        table="<results>/geometry/cone_index.tsv",
        sequences="<results>/geometry/cone_index/sequences.parquet",
    output:
        png=report(
            "<results>/geometry/cone_index.png",
            caption="../report/cone_index.rst",
            category="5 Geometry",
            labels={"figure": "Cone index"},
        ),
        svg="<results>/geometry/cone_index.svg",
    log:
        "<logs>/geometry/plot_cone_index.log",
    conda:
        "../../envs/plots.yaml"
    params:
        classes=lookup("classes", within=config),
        selected_classes=lookup("analyses/cone_index/classes", within=config),
        library=code_of("plot_cone_index"),
    message:
        "Drawing the cone index"
    script:
        "../scripts/plot_cone_index.py"


rule attention_gates:
    input:
        model="<results>/model/finetuned",
        sequences="<results>/activations/sequences.tsv",
        hidden_states="<results>/activations/hidden_states.npy",
        tokens="<results>/activations/tokens.npy",
    output:
        table="<results>/geometry/attention_gates.tsv",
        sequences="<results>/geometry/attention_gates/sequences.parquet",
    log:
        "<logs>/geometry/attention_gates.log",
    benchmark:
        "<benchmarks>/geometry/attention_gates.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    params:
        layers=lookup("analyses/attention_gates/layers", within=config),
        heads=lookup("analyses/attention_gates/heads", within=config),
        selected_classes=lookup("analyses/attention_gates/classes", within=config),
        threshold=lookup("analyses/attention_gates/threshold", within=config),
        classes=lookup("classes", within=config),
        confidence=lookup("evaluation/confidence", within=config),
        library=code_of("attention_gates"),
    message:
        "Scoring the attention patterns of the heads"
    script:
        "../scripts/attention_gates.py"


rule plot_attention_gates:
    input:
        table="<results>/geometry/attention_gates.tsv",
    output:
        png=report(
            "<results>/geometry/attention_gates.png",
            caption="../report/attention_gates.rst",
            category="5 Geometry",
            labels={"figure": "Attention gates"},
        ),
        svg="<results>/geometry/attention_gates.svg",
    log:
        "<logs>/geometry/plot_attention_gates.log",
    conda:
        "../../envs/plots.yaml"
    params:
        classes=lookup("classes", within=config),
        selected_classes=lookup("analyses/attention_gates/classes", within=config),
        names=lookup("analyses/attention_gates/names", within=config),
        library=code_of("plot_attention_gates"),
    message:
        "Drawing the attention patterns of the heads"
    script:
        "../scripts/plot_attention_gates.py"
