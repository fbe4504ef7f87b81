"""Roles of the heads, and what fine-tuning changed in their attention."""


rule attention_roles:
    input:
        model="<results>/model/finetuned",
        sequences="<results>/activations/sequences.tsv",
        hidden_states="<results>/activations/hidden_states.npy",
        tokens="<results>/activations/tokens.npy",
    output:
        table="<results>/geometry/attention_roles.tsv",
        sequences="<results>/geometry/attention_roles/sequences.parquet",
        findings="<results>/geometry/attention_roles/findings.tsv",
    log:
        "<logs>/geometry/attention_roles.log",
    benchmark:
        "<benchmarks>/geometry/attention_roles.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    params:
        layers=lookup("analyses/attention_roles/layers", within=config),
        heads=lookup("analyses/attention_roles/heads", within=config),
        selected_classes=lookup("analyses/attention_roles/classes", within=config),
        classes=lookup("classes", within=config),
        confidence=lookup("evaluation/confidence", within=config),
        library=code_of("attention_roles"),
    message:
        "Naming the roles of the heads"
    script:
        "../scripts/attention_roles.py"


rule plot_attention_roles:
    input:
        table="<results>/geometry/attention_roles.tsv",
    output:
        png=report(
            "<results>/geometry/attention_roles.png",
            caption="../report/attention_roles.rst",
            category="5 Geometry",
            labels={"figure": "Attention roles"},
        ),
        svg="<results>/geometry/attention_roles.svg",
    log:
        "<logs>/geometry/plot_attention_roles.log",
    conda:
        "../../envs/plots.yaml"
    params:
        classes=lookup("classes", within=config),
        selected_classes=lookup("analyses/attention_roles/classes", within=config),
        library=code_of("plot_attention_roles"),
    message:
        "Drawing the roles of the heads"
    script:
        "../scripts/plot_attention_roles.py"


rule attention_shift:
    input:
        models=collect("<results>/model/{model}", model=COMPARED),
        sequences="<results>/activations/sequences.tsv",
        hidden_states="<results>/activations/hidden_states.npy",
        tokens="<results>/activations/tokens.npy",
    output:
        table="<results>/geometry/attention_shift.tsv",
        attention="<results>/geometry/attention_shift/attention.tsv",
        sequences="<results>/geometry/attention_shift/sequences.parquet",
        findings="<results>/geometry/attention_shift/findings.tsv",
    log:
        "<logs>/geometry/attention_shift.log",
    benchmark:
        "<benchmarks>/geometry/attention_shift.tsv"
    conda:
        TORCH
    threads: lookup("model/threads", within=config)
    resources:
        gpu=GPUS,
    params:
        models=COMPARED,
        layers=lookup("analyses/attention_shift/layers", within=config),
        heads=lookup("analyses/attention_shift/heads", within=config),
        selected_classes=lookup("analyses/attention_shift/classes", within=config),
        classes=lookup("classes", within=config),
        confidence=lookup("evaluation/confidence", within=config),
        device=lookup("model/device", within=config),
        threads=lookup("model/threads", within=config),
        library=code_of("attention_shift"),
    message:
        "Comparing attention before and after fine-tuning"
    script:
        "../scripts/attention_shift.py"


rule plot_attention_shift:
    input:
        table="<results>/geometry/attention_shift.tsv",
        attention="<results>/geometry/attention_shift/attention.tsv",
    output:
        png=report(
            "<results>/geometry/attention_shift.png",
            caption="../report/attention_shift.rst",
            category="5 Geometry",
            labels={"figure": "Attention shift"},
        ),
        svg="<results>/geometry/attention_shift.svg",
    log:
        "<logs>/geometry/plot_attention_shift.log",
    conda:
        "../../envs/plots.yaml"
    params:
        classes=lookup("classes", within=config),
        selected_classes=lookup("analyses/attention_shift/classes", within=config),
        library=code_of("plot_attention_shift"),
    message:
        "Drawing attention before and after fine-tuning"
    script:
        "../scripts/plot_attention_shift.py"
