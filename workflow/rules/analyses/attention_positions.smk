"""Test whether more attention is paid to the positions that define a class than to others like them."""


rule attention_positions:
    input:
        **RECORDED,
        **DOMAINS,
        reference="<results>/reference/genome.fasta",
        spikes="<results>/spikes/spikes.parquet",
        splits="<results>/dataset/splits.parquet",
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
    params:
        **given("attention_positions", "classes", "dataset/analysed_per_class", *KMERS, *NAMES, *RESAMPLING),
        **settings("attention_positions"),
    script:
        "../../scripts/attention_positions.py"


FIGURES["attention_positions"] = Figure(
    "Attention to positions that define a class",
    "Attention",
    given=[*KMERS, *NAMES],
    inputs=DOMAINS | MUTATIONS,
)
