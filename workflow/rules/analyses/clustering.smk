"""Measure how the classes lie apart in [CLS] and mean k-mers of every layer, and in the outputs of the classifier."""


rule clustering:
    input:
        model=network_model,
        split="<results>/dataset/test.arrow",
        sequences="<results>/{network}activations/sequences.tsv",
        hidden_states="<results>/{network}activations/hidden_states.npy",
        cls="<results>/{network}activations/cls.npy",
    output:
        table="<results>/{network}geometry/clustering.tsv",
        components="<results>/{network}geometry/clustering/components.tsv",
        sequences="<results>/{network}geometry/clustering/sequences.parquet",
        maps="<results>/{network}geometry/clustering/maps.parquet",
    log:
        "<logs>/{network}geometry/clustering.log",
    benchmark:
        "<benchmarks>/{network}geometry/clustering.tsv"
    conda:
        "../../../envs/torch.yaml"
    params:
        **measured("clustering", "classes", "evaluation/confidence", "seed"),
    script:
        "../../scripts/clustering.py"


FIGURES["clustering"] = Figure("Clustering", "Representation")
