"""From gene sequences to splits, a vocabulary and token ids."""


rule split_spikes:
    input:
        spikes="<results>/spikes/spikes.parquet",
    output:
        splits="<results>/dataset/splits.parquet",
        sizes=report(
            "<results>/dataset/split_sizes.tsv",
            caption="../report/splits.rst",
            category="2 Data set",
            labels={"table": "Class and split sizes"},
        ),
    log:
        "<logs>/dataset/split_spikes.log",
    conda:
        "../../envs/genomes.yaml"
    params:
        coordinates=lookup("dataset/coordinates", within=config),
        classes=lookup("classes", within=config),
        method=lookup("split/method", within=config),
        validation=lookup("split/validation", within=config),
        test=lookup("split/test", within=config),
        seed=lookup("seed", within=config),
        library=code_of("split_spikes"),
    message:
        "Splitting the gene sequences into training, validation and test"
    script:
        "../scripts/split_spikes.py"


rule split_background:
    input:
        spikes="<results>/background/spikes/spikes.parquet",
        splits="<results>/dataset/splits.parquet",
    output:
        splits="<results>/background/dataset/splits.parquet",
        rejected=report(
            "<results>/background/dataset/rejected.tsv",
            caption="../report/background_rejected.rst",
            category="1 Genomes",
            labels={
                "set": "background",
                "table": "Background genomes with a sequence of a class",
            },
        ),
    log:
        "<logs>/dataset/split_background.log",
    conda:
        "../../envs/genomes.yaml"
    params:
        coordinates=lookup("dataset/coordinates", within=config),
        method=lookup("split/method", within=config),
        validation=lookup("split/validation", within=config),
        test=lookup("split/test", within=config),
        seed=lookup("seed", within=config),
        library=code_of("split_background"),
    message:
        "Splitting the background genomes into training and validation"
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
        coordinates=lookup("dataset/coordinates", within=config),
        k=lookup("dataset/k", within=config),
        stride=lookup("dataset/stride", within=config),
        ambiguous=lookup("dataset/ambiguous", within=config),
        min_count=lookup("dataset/min_count", within=config),
        library=code_of("build_vocabulary"),
    message:
        "Building the vocabulary from the training split"
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
        part=part_of,
        coordinates=lookup("dataset/coordinates", within=config),
        stride=lookup("dataset/stride", within=config),
        classes=lookup("classes", within=config),
        library=code_of("encode_split"),
    message:
        "Encoding the {wildcards.split} set as token ids"
    script:
        "../scripts/encode_split.py"


rule measure_leakage:
    input:
        spikes="<results>/spikes/spikes.parquet",
        splits="<results>/dataset/splits.parquet",
        external=expand(
            "<results>/external/{name}/spikes/spikes.parquet", name=EXTERNAL
        ),
    output:
        table=report(
            "<results>/dataset/leakage.tsv",
            caption="../report/leakage.rst",
            category="2 Data set",
            labels={"table": "Leakage between splits"},
        ),
    log:
        "<logs>/dataset/measure_leakage.log",
    benchmark:
        "<benchmarks>/dataset/measure_leakage.tsv"
    conda:
        "../../envs/genomes.yaml"
    threads: 2
    params:
        external=EXTERNAL,
        coordinates=lookup("dataset/coordinates", within=config),
        classes=lookup("classes", within=config),
        analysed_per_class=lookup("dataset/analysed_per_class", within=config),
        seed=lookup("seed", within=config),
        library=code_of("measure_leakage"),
    message:
        "Measuring what each split has in common with another"
    script:
        "../scripts/measure_leakage.py"


rule plot_kmer_ranks:
    input:
        counts="<results>/dataset/kmer_counts.tsv",
    output:
        png=report(
            "<results>/dataset/kmer_ranks.png",
            caption="../report/kmer_ranks.rst",
            category="2 Data set",
            labels={"figure": "k-mer ranks"},
        ),
        svg="<results>/dataset/kmer_ranks.svg",
    log:
        "<logs>/dataset/plot_kmer_ranks.log",
    conda:
        "../../envs/plots.yaml"
    params:
        library=code_of("plot_kmer_ranks"),
    message:
        "Drawing the k-mer ranks"
    script:
        "../scripts/plot_kmer_ranks.py"


rule plot_splits:
    input:
        sizes="<results>/dataset/split_sizes.tsv",
    output:
        png=report(
            "<results>/dataset/splits.png",
            caption="../report/splits.rst",
            category="2 Data set",
            labels={"figure": "Class and split sizes"},
        ),
        svg="<results>/dataset/splits.svg",
    log:
        "<logs>/dataset/plot_splits.log",
    conda:
        "../../envs/plots.yaml"
    params:
        library=code_of("plot_splits"),
    message:
        "Drawing the sizes of classes and splits"
    script:
        "../scripts/plot_splits.py"


rule plot_leakage:
    input:
        table="<results>/dataset/leakage.tsv",
    output:
        png=report(
            "<results>/dataset/leakage.png",
            caption="../report/leakage.rst",
            category="2 Data set",
            labels={"figure": "Leakage between splits"},
        ),
        svg="<results>/dataset/leakage.svg",
    log:
        "<logs>/dataset/plot_leakage.log",
    conda:
        "../../envs/plots.yaml"
    params:
        library=code_of("plot_leakage"),
    message:
        "Drawing the leakage between splits"
    script:
        "../scripts/plot_leakage.py"
