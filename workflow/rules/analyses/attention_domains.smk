"""Measure how much attention goes into each domain of the protein, and test it against turns of the same attention."""


rule attention_domains:
    input:
        **RECORDED,
        spikes="<results>/spikes/spikes.parquet",
        domains=lookup("reference/domains", within=config),
        regions=lookup("reference/regions", within=config),
    output:
        table="<results>/{network}geometry/attention_domains.tsv",
        sequences="<results>/{network}geometry/attention_domains/sequences.parquet",
        pairs="<results>/{network}geometry/attention_domains/pairs.parquet",
        top=report(
            "<results>/{network}geometry/attention_domains/top_heads.tsv",
            caption="../../report/attention_domains.rst",
            category="5 Geometry",
            labels={"table": "Attention into protein domains: top heads"},
        ),
    log:
        "<logs>/{network}geometry/attention_domains.log",
    benchmark:
        "<benchmarks>/{network}geometry/attention_domains.tsv"
    conda:
        "../../../envs/torch.yaml"
    threads: 1
    params:
        **settings("attention_domains"),
        **of_run("classes", "confidence", "seed", "coordinates", "k", "stride"),
        library=code_of("attention_domains"),
    message:
        "Measuring the attention into each domain"
    script:
        "../../scripts/attention_domains.py"


rule plot_attention_domains:
    input:
        table="<results>/geometry/attention_domains.tsv",
        domains=lookup("reference/domains", within=config),
        regions=lookup("reference/regions", within=config),
    output:
        **figure("attention_domains", "Attention into protein domains"),
    log:
        "<logs>/geometry/plot_attention_domains.log",
    conda:
        "../../../envs/plots.yaml"
    params:
        **settings("attention_domains", "classes"),
        **of_run("classes"),
        library=code_of("plot_attention_domains"),
    message:
        "Drawing the attention into each domain"
    script:
        "../../scripts/plot_attention_domains.py"
