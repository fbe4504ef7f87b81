"""Count the tokens that differ from the reference's, native and projected, and ask what they say about the class."""


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
        "../../../envs/plots.yaml"
    threads: 1
    params:
        **settings("token_divergence"),
        **of_run("k", "stride", "analysed_per_class", "classes", "confidence", "seed"),
        start=lookup("reference/start", within=config),
        end=lookup("reference/end", within=config),
        external=EXTERNAL,
        library=code_of("token_divergence"),
    message:
        "Comparing tokens with the reference's"
    script:
        "../../scripts/token_divergence.py"


rule plot_token_divergence:
    input:
        table="<results>/geometry/token_divergence.tsv",
        sequences="<results>/geometry/token_divergence/sequences.parquet",
        slots="<results>/geometry/token_divergence/slots.parquet",
    output:
        **figure("token_divergence", "Token divergence"),
    log:
        "<logs>/geometry/plot_token_divergence.log",
    conda:
        "../../../envs/plots.yaml"
    params:
        **settings("token_divergence", "classes"),
        **of_run("classes"),
        library=code_of("plot_token_divergence"),
    message:
        "Drawing the tokens that differ from the reference's"
    script:
        "../../scripts/plot_token_divergence.py"
