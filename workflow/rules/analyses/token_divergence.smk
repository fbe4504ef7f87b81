"""Count the tokens that differ from the reference's, native and projected, and ask what they say about the class."""


rule token_divergence:
    input:
        reference="<results>/reference/genome.fasta",
        spikes="<results>/spikes/spikes.parquet",
        splits="<results>/dataset/splits.parquet",
        external=collect("<results>/external/{name}/spikes/spikes.parquet", name=EXTERNAL),
    output:
        table="<results>/geometry/token_divergence.tsv",
        sequences="<results>/geometry/token_divergence/sequences.parquet",
        slots="<results>/geometry/token_divergence/slots.parquet",
    log:
        "<logs>/geometry/token_divergence.log",
    benchmark:
        "<benchmarks>/geometry/token_divergence.tsv"
    conda:
        "../../../envs/plots.yaml"
    params:
        **measured(
            "token_divergence", "dataset/analysed_per_class", "classes", "evaluation/confidence", "seed", *KMERS, *GENE
        ),
        external=EXTERNAL,
    script:
        "../../scripts/token_divergence.py"


FIGURES["token_divergence"] = Figure(
    "Token divergence",
    "Tokens",
    given=[*KMERS, *NAMES],
    inputs=DOMAINS | MUTATIONS,
)
