"""From gene sequences to splits, a vocabulary and token ids."""


rule split_spikes:
    input:
        spikes="<results>/spikes/spikes.parquet",
        genomes="<results>/genomes/accepted.tsv",
    output:
        splits="<results>/dataset/splits.parquet",
        sizes=in_report("<results>/dataset/split_sizes.tsv", "splits", table="Class and split sizes"),
    log:
        "<logs>/dataset/split_spikes.log",
    conda:
        "../../envs/genomes.yaml"
    params:
        **given(
            "split_spikes", "dataset/coordinates", "classes", "split/method", "split/validation", "split/test", "seed"
        ),
    script:
        "../scripts/split_spikes.py"


rule split_background:
    input:
        spikes="<results>/background/spikes/spikes.parquet",
        splits="<results>/dataset/splits.parquet",
    output:
        splits="<results>/background/dataset/splits.parquet",
        rejected=in_report(
            "<results>/background/dataset/rejected.tsv",
            "background_rejected",
            set="background",
            table="Background genomes with a sequence of a class",
        ),
    log:
        "<logs>/dataset/split_background.log",
    conda:
        "../../envs/genomes.yaml"
    params:
        **given("split_background", "dataset/coordinates", "split/method", "split/validation", "split/test", "seed"),
    script:
        "../scripts/split_background.py"


rule build_vocabulary:
    input:
        spikes="<results>/spikes/spikes.parquet",
        splits="<results>/dataset/splits.parquet",
    output:
        vocabulary="<results>/dataset/vocabulary.txt",
        counts="<results>/dataset/kmer_counts.tsv",
    log:
        "<logs>/dataset/build_vocabulary.log",
    conda:
        "../../envs/genomes.yaml"
    params:
        **given("build_vocabulary", "dataset/coordinates", "dataset/ambiguous", "dataset/min_count", *KMERS),
    script:
        "../scripts/build_vocabulary.py"


rule encode_split:
    input:
        spikes=lambda wildcards: f"<results>/{COHORTS.prefix(wildcards.split)}spikes/spikes.parquet",
        splits=lambda wildcards: (
            []
            if COHORTS.is_whole(wildcards.split)
            else f"<results>/{COHORTS.prefix(wildcards.split)}dataset/splits.parquet"
        ),
        vocabulary=VOCABULARY,
    output:
        split="<results>/dataset/{split}.arrow",
    log:
        "<logs>/dataset/encode_{split}.log",
    benchmark:
        "<benchmarks>/dataset/encode_{split}.tsv"
    conda:
        "../../envs/genomes.yaml"
    params:
        **given("encode_split", "dataset/coordinates", "dataset/stride", "classes"),
        part=lambda wildcards: COHORTS.part(wildcards.split),
    script:
        "../scripts/encode_split.py"


rule measure_leakage:
    input:
        spikes="<results>/spikes/spikes.parquet",
        splits="<results>/dataset/splits.parquet",
        external=expand("<results>/external/{name}/spikes/spikes.parquet", name=EXTERNAL),
    output:
        table=in_report("<results>/dataset/leakage.tsv", "leakage", table="Leakage between splits"),
    log:
        "<logs>/dataset/measure_leakage.log",
    benchmark:
        "<benchmarks>/dataset/measure_leakage.tsv"
    conda:
        "../../envs/genomes.yaml"
    threads: 2
    params:
        **given("measure_leakage", "dataset/coordinates", "classes", "dataset/analysed_per_class", "seed"),
        external=EXTERNAL,
    script:
        "../scripts/measure_leakage.py"


rule learn_definitions:
    input:
        reference="<results>/reference/genome.fasta",
        spikes="<results>/spikes/spikes.parquet",
        splits="<results>/dataset/splits.parquet",
    output:
        definitions="<results>/dataset/definitions.tsv",
    log:
        "<logs>/dataset/learn_definitions.log",
    conda:
        "../../envs/genomes.yaml"
    params:
        **given("learn_definitions", "classes", "analyses/attributions/share", *GENE),
    script:
        "../scripts/learn_definitions.py"


# A table with a figure of its own, and the title of that.
for name, table, title in [
    ("kmer_ranks", "kmer_counts", "k-mer ranks"),
    ("splits", "split_sizes", "Class and split sizes"),
    ("leakage", "leakage", "Leakage between splits"),
]:

    rule:
        name:
            f"plot_{name}"
        input:
            table=f"<results>/dataset/{table}.tsv",
        output:
            **figure(f"<results>/dataset/{name}", name, figure=title),
        log:
            f"<logs>/dataset/plot_{name}.log",
        group:
            "figures"
        conda:
            "../../envs/plots.yaml"
        resources:
            **FIGURE,
        params:
            **given(f"plot_{name}"),
            figure=name,
        # By a param, because the path is read when the loop has ended.
        script:
            "../scripts/plot_{params.figure}.py"
