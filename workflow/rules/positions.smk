"""Attention to the positions of the gene that define the classes."""


rule attention_positions:
    input:
        model="<results>/model/finetuned",
        sequences="<results>/activations/sequences.tsv",
        hidden_states="<results>/activations/hidden_states.npy",
        tokens="<results>/activations/tokens.npy",
        reference="<results>/reference/genome.fasta",
        spikes="<results>/spikes/spikes.parquet",
        splits="<results>/dataset/splits.parquet",
        domains=lookup("reference/domains", within=config),
        definitions=DEFINITIONS,
    output:
        table="<results>/geometry/attention_positions.tsv",
        findings="<results>/geometry/attention_positions/findings.tsv",
        positions="<results>/geometry/attention_positions/positions.tsv",
        profiles="<results>/geometry/attention_positions/profiles.parquet",
    log:
        "<logs>/geometry/attention_positions.log",
    benchmark:
        "<benchmarks>/geometry/attention_positions.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    params:
        layers=lookup("analyses/attention_positions/layers", within=config),
        heads=lookup("analyses/attention_positions/heads", within=config),
        selected_classes=lookup("analyses/attention_positions/classes", within=config),
        share=lookup("analyses/attributions/share", within=config),
        draws=[
            lookup("analyses/attention_positions/matches", within=config),
            lookup("analyses/attention_positions/permutations", within=config),
            lookup("evaluation/bootstrap", within=config),
        ],
        classes=lookup("classes", within=config),
        confidence=lookup("evaluation/confidence", within=config),
        seed=lookup("seed", within=config),
        coordinates=lookup("dataset/coordinates", within=config),
        gene=[
            lookup("reference/start", within=config),
            lookup("reference/end", within=config),
        ],
        k=lookup("dataset/k", within=config),
        stride=lookup("dataset/stride", within=config),
        analysed_per_class=lookup("dataset/analysed_per_class", within=config),
        library=code_of("attention_positions"),
    message:
        "Measuring the attention to the positions that define the classes"
    script:
        "../scripts/attention_positions.py"


rule plot_attention_positions:
    input:
        table="<results>/geometry/attention_positions.tsv",
        positions="<results>/geometry/attention_positions/positions.tsv",
        profiles="<results>/geometry/attention_positions/profiles.parquet",
        domains=lookup("reference/domains", within=config),
    output:
        png=report(
            "<results>/geometry/attention_positions.png",
            caption="../report/attention_positions.rst",
            category="5 Geometry",
            labels={"figure": "Attention to positions that define a class"},
        ),
        svg="<results>/geometry/attention_positions.svg",
    log:
        "<logs>/geometry/plot_attention_positions.log",
    conda:
        "../../envs/plots.yaml"
    params:
        classes=lookup("classes", within=config),
        selected_classes=lookup("analyses/attention_positions/classes", within=config),
        k=lookup("dataset/k", within=config),
        stride=lookup("dataset/stride", within=config),
        library=code_of("plot_attention_positions"),
    message:
        "Drawing the attention to the positions that define the classes"
    script:
        "../scripts/plot_attention_positions.py"
