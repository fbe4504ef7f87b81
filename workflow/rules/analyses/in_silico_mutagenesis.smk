"""Score every substitution of residues, in the reference and in a sequence of each class."""

MEASUREMENTS = config["analyses"]["in_silico_mutagenesis"]["measurements"]


rule in_silico_mutagenesis:
    input:
        model=network_model,
        masked=masked_model,
        test="<results>/dataset/test.arrow",
        vocabulary="<results>/dataset/vocabulary.txt",
        reference="<results>/reference/genome.fasta",
        spikes="<results>/spikes/spikes.parquet",
        splits="<results>/dataset/splits.parquet",
        definitions=DEFINITIONS,
        measurements=local(MEASUREMENTS) if MEASUREMENTS else [],
    output:
        table="<results>/{network}geometry/in_silico_mutagenesis.tsv",
        findings="<results>/{network}geometry/in_silico_mutagenesis/findings.tsv",
        scores="<results>/{network}geometry/in_silico_mutagenesis/scores.parquet",
        residues="<results>/{network}geometry/in_silico_mutagenesis/residues.tsv",
        correlations="<results>/{network}geometry/in_silico_mutagenesis/correlations.tsv",
    log:
        "<logs>/{network}geometry/in_silico_mutagenesis.log",
    benchmark:
        "<benchmarks>/{network}geometry/in_silico_mutagenesis.tsv"
    conda:
        TORCH
    threads: lookup("model/threads", within=config)
    resources:
        gpu=GPUS,
    params:
        **given(
            "in_silico_mutagenesis",
            "classes",
            "dataset/analysed_per_class",
            "dataset/stride",
            *NAMES,
            *DEVICE,
            *RESAMPLING,
        ),
        **settings(
            "in_silico_mutagenesis",
            "classes",
            "most_sequences",
            "residues",
            "most_residues",
            "cutoffs",
            "permutations",
        ),
    script:
        "../../scripts/in_silico_mutagenesis.py"


FIGURES["in_silico_mutagenesis"] = Figure(
    "In-silico mutagenesis: what each substitution does",
    "Tokens",
    inputs=DOMAINS
    | {
        # The same of the untrained network, where it is measured.
        "untrained": "<results>/replicates/random/geometry/in_silico_mutagenesis.tsv" if "random" in REPLICATES else []
    },
)
