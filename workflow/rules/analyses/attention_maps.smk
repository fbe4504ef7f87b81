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
    params:
        **given("attention_maps", "classes", "evaluation/confidence", *KMERS),
        **settings("attention_maps", "layers", "heads", "classes", "thresholds", "kappa", "min_frequency"),
    script:
        "../../scripts/attention_maps.py"


FIGURES["attention_maps"] = Figure(
    "Attention maps: where attention goes",
    "Attention",
    given=KMERS,
    params=settings("attention_maps", "full_maps", "kappa", "min_frequency"),
    inputs=DOMAINS,
    outputs=folder_of_figures("attention_maps", "layers", "Attention", "Attention maps, {figure}")
    | folder_of_figures("attention_maps", "heads", "Attention", "Attention map, {figure}"),
)
