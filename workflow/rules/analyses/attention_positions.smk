"""Test whether more attention is paid to the positions that define a class than to others like them."""


rule attention_positions:
    input:
        **RECORDED,
        reference="<results>/reference/genome.fasta",
        spikes="<results>/spikes/spikes.parquet",
        splits="<results>/dataset/splits.parquet",
        domains=lookup("reference/domains", within=config),
        definitions=DEFINITIONS,
    output:
        table="<results>/{network}geometry/attention_positions.tsv",
        findings="<results>/{network}geometry/attention_positions/findings.tsv",
        positions="<results>/{network}geometry/attention_positions/positions.tsv",
        profiles="<results>/{network}geometry/attention_positions/profiles.parquet",
    log:
        "<logs>/{network}geometry/attention_positions.log",
    benchmark:
        "<benchmarks>/{network}geometry/attention_positions.tsv"
    conda:
        "../../../envs/torch.yaml"
    threads: 1
    params:
        **settings("attention_positions", "layers", "heads", "classes"),
        **of_run(
            "classes",
            "confidence",
            "seed",
            "coordinates",
            "k",
            "stride",
            "analysed_per_class",
        ),
        share=lookup("analyses/attributions/share", within=config),
        draws=[
            lookup("analyses/attention_positions/matches", within=config),
            lookup("analyses/attention_positions/permutations", within=config),
            lookup("evaluation/bootstrap", within=config),
        ],
        gene=[
            lookup("reference/start", within=config),
            lookup("reference/end", within=config),
        ],
        library=code_of("attention_positions"),
    message:
        "Measuring the attention to the positions that define the classes"
    script:
        "../../scripts/attention_positions.py"


rule plot_attention_positions:
    input:
        table="<results>/geometry/attention_positions.tsv",
        positions="<results>/geometry/attention_positions/positions.tsv",
        profiles="<results>/geometry/attention_positions/profiles.parquet",
        domains=lookup("reference/domains", within=config),
    output:
        **figure("attention_positions", "Attention to positions that define a class"),
    log:
        "<logs>/geometry/plot_attention_positions.log",
    conda:
        "../../../envs/plots.yaml"
    params:
        **settings("attention_positions", "classes"),
        **of_run("classes", "k", "stride"),
        library=code_of("plot_attention_positions"),
    message:
        "Drawing the attention to the positions that define the classes"
    script:
        "../../scripts/plot_attention_positions.py"
