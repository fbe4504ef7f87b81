"""Patch activations at the slots of the mutations that define a class, and cut attention to them."""


rule mutation_patching:
    input:
        **DOMAINS,
        model=network_model,
        test="<results>/dataset/test.arrow",
        vocabulary="<results>/dataset/vocabulary.txt",
        reference="<results>/reference/genome.fasta",
        spikes="<results>/spikes/spikes.parquet",
        splits="<results>/dataset/splits.parquet",
        definitions=DEFINITIONS,
        attributions="<results>/{network}geometry/attributions/tokens.parquet" if "attributions" in ANALYSES else [],
    output:
        table="<results>/{network}geometry/mutation_patching.tsv",
        findings="<results>/{network}geometry/mutation_patching/findings.tsv",
        mutations="<results>/{network}geometry/mutation_patching/mutations.tsv",
        readout="<results>/{network}geometry/mutation_patching/readout.tsv",
        agreement="<results>/{network}geometry/mutation_patching/agreement.tsv",
        effects="<results>/{network}geometry/mutation_patching/effects.parquet",
    log:
        "<logs>/{network}geometry/mutation_patching.log",
    benchmark:
        "<benchmarks>/{network}geometry/mutation_patching.tsv"
    conda:
        TORCH
    threads: lookup("model/threads", within=config)
    resources:
        gpu=GPUS,
    params:
        **given("mutation_patching", "classes", "dataset/analysed_per_class", *KMERS, *NAMES, *DEVICE, *RESAMPLING),
        **settings("mutation_patching"),
    script:
        "../../scripts/mutation_patching.py"


FIGURES["mutation_patching"] = Figure(
    "Mutation patching: where mutations are read",
    "Tokens",
    # The same of the untrained network, where it is measured.
    inputs={
        "untrained": "<results>/replicates/random/geometry/mutation_patching.tsv" if "random" in REPLICATES else []
    },
)
