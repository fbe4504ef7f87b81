"""Average the attention maps of every head over the sequences of each class, and list the pairs of tokens they join."""


rule attention_maps:
    input:
        **RECORDED,
        attention="<results>/{network}activations/attention_mean.npz",
    output:
        table="<results>/{network}geometry/attention_maps.tsv",
        sequences="<results>/{network}geometry/attention_maps/sequences.parquet",
        tokens="<results>/{network}geometry/attention_maps/tokens.parquet",
        pairs="<results>/{network}geometry/attention_maps/pairs.parquet",
        means="<results>/{network}geometry/attention_maps/kmer_means.npy",
    log:
        "<logs>/{network}geometry/attention_maps.log",
    benchmark:
        "<benchmarks>/{network}geometry/attention_maps.tsv"
    conda:
        "../../../envs/torch.yaml"
    threads: 1
    params:
        **settings(
            "attention_maps",
            "layers",
            "heads",
            "classes",
            "thresholds",
            "kappa",
            "min_frequency",
        ),
        **of_run("classes", "confidence", "k", "stride"),
        library=code_of("attention_maps"),
    message:
        "Averaging the attention maps of the classes"
    script:
        "../../scripts/attention_maps.py"


rule plot_attention_maps:
    input:
        table="<results>/geometry/attention_maps.tsv",
        means="<results>/geometry/attention_maps/kmer_means.npy",
        pairs="<results>/geometry/attention_maps/pairs.parquet",
        domains=lookup("reference/domains", within=config),
    output:
        **figure("attention_maps", "Attention maps: where attention goes"),
        layers=report(
            directory("<results>/geometry/attention_maps/layers"),
            patterns=["{figure}.png"],
            caption="../../report/attention_maps_layers.rst",
            category="5 Geometry",
            labels={"figure": "Attention maps, {figure}"},
        ),
        heads=report(
            directory("<results>/geometry/attention_maps/heads"),
            patterns=["{figure}.png"],
            caption="../../report/attention_maps_heads.rst",
            category="5 Geometry",
            labels={"figure": "Attention map, {figure}"},
        ),
    log:
        "<logs>/geometry/plot_attention_maps.log",
    conda:
        "../../../envs/plots.yaml"
    params:
        **settings("attention_maps", "classes", "full_maps", "kappa", "min_frequency"),
        **of_run("classes", "k", "stride"),
        library=code_of("plot_attention_maps"),
    message:
        "Drawing the attention maps"
    script:
        "../../scripts/plot_attention_maps.py"
