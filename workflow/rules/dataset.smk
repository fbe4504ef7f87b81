"""From gene sequences to splits, a vocabulary and token ids."""


rule split_spikes:
    input:
        spikes="<results>/spikes/spikes.parquet",
    output:
        splits="<results>/dataset/splits.parquet",
        sizes=in_report("<results>/dataset/split_sizes.tsv", "splits", "2 Data set", table="Class and split sizes"),
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
            "1 Genomes",
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
    benchmark:
        "<benchmarks>/dataset/build_vocabulary.tsv"
    conda:
        "../../envs/genomes.yaml"
    params:
        **given("build_vocabulary", "dataset/coordinates", "dataset/ambiguous", "dataset/min_count", *KMERS),
    script:
        "../scripts/build_vocabulary.py"


rule encode_split:
    input:
        spikes=spikes_of,
        splits=splits_of,
        vocabulary=vocabulary_of,
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
        part=part_of,
    script:
        "../scripts/encode_split.py"


rule measure_leakage:
    input:
        spikes="<results>/spikes/spikes.parquet",
        splits="<results>/dataset/splits.parquet",
        external=expand("<results>/external/{name}/spikes/spikes.parquet", name=EXTERNAL),
    output:
        table=in_report("<results>/dataset/leakage.tsv", "leakage", "2 Data set", table="Leakage between splits"),
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


rule plot_kmer_ranks:
    input:
        counts="<results>/dataset/kmer_counts.tsv",
    output:
        **figure("<results>/dataset/kmer_ranks", "kmer_ranks", "2 Data set", figure="k-mer ranks"),
    log:
        "<logs>/dataset/plot_kmer_ranks.log",
    group:
        "figures"
    conda:
        "../../envs/plots.yaml"
    resources:
        **FIGURE,
    params:
        **given("plot_kmer_ranks"),
    script:
        "../scripts/plot_kmer_ranks.py"


rule plot_splits:
    input:
        sizes="<results>/dataset/split_sizes.tsv",
    output:
        **figure("<results>/dataset/splits", "splits", "2 Data set", figure="Class and split sizes"),
    log:
        "<logs>/dataset/plot_splits.log",
    group:
        "figures"
    conda:
        "../../envs/plots.yaml"
    resources:
        **FIGURE,
    params:
        **given("plot_splits"),
    script:
        "../scripts/plot_splits.py"


rule plot_leakage:
    input:
        table="<results>/dataset/leakage.tsv",
    output:
        **figure("<results>/dataset/leakage", "leakage", "2 Data set", figure="Leakage between splits"),
    log:
        "<logs>/dataset/plot_leakage.log",
    group:
        "figures"
    conda:
        "../../envs/plots.yaml"
    resources:
        **FIGURE,
    params:
        **given("plot_leakage"),
    script:
        "../scripts/plot_leakage.py"
