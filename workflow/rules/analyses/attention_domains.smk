"""Measure how much attention goes into each domain of the protein, and test it against turns of the same attention."""


rule attention_domains:
    input:
        **RECORDED,
        **DOMAINS,
        **REGIONS,
        spikes="<results>/spikes/spikes.parquet",
    output:
        table="<results>/{network}geometry/attention_domains.tsv",
        sequences="<results>/{network}geometry/attention_domains/sequences.parquet",
        pairs="<results>/{network}geometry/attention_domains/pairs.parquet",
        top=in_report(
            "<results>/{network}geometry/attention_domains/top_heads.tsv",
            "attention_domains",
            "Attention",
            table="Attention into protein domains: top heads",
        ),
    log:
        "<logs>/{network}geometry/attention_domains.log",
    benchmark:
        "<benchmarks>/{network}geometry/attention_domains.tsv"
    conda:
        "../../../envs/torch.yaml"
    params:
        **measured("attention_domains", "classes", "evaluation/confidence", "seed", "dataset/coordinates", *KMERS),
    script:
        "../../scripts/attention_domains.py"


FIGURES["attention_domains"] = Figure("Attention into protein domains", "Attention", inputs=DOMAINS | REGIONS)
