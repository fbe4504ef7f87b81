"""Find the similar pairs of k-mers after every head and layer, and what is common to them, in every sequence."""


rule context_similarity:
    input:
        **DOMAINS,
        model=network_model,
        vocabulary="<results>/dataset/vocabulary.txt",
        sequences="<results>/{network}activations/sequences.tsv",
        hidden_states="<results>/{network}activations/hidden_states.npy",
        tokens="<results>/{network}activations/tokens.npy",
    output:
        table="<results>/{network}geometry/context_similarity.tsv",
        distances="<results>/{network}geometry/context_similarity/distances.tsv",
        anchors="<results>/{network}geometry/context_similarity/anchors.tsv",
        findings="<results>/{network}geometry/context_similarity/findings.tsv",
        maps="<results>/{network}geometry/context_similarity/maps.npz",
        sequences="<results>/{network}geometry/context_similarity/sequences.parquet",
    log:
        "<logs>/{network}geometry/context_similarity.log",
    benchmark:
        "<benchmarks>/{network}geometry/context_similarity.tsv"
    conda:
        "../../../envs/torch.yaml"
    params:
        **measured("context_similarity", "classes", "evaluation/confidence", *KMERS),
    script:
        "../../scripts/context_similarity.py"


FIGURES["context_similarity"] = Figure(
    "Context similarity",
    "Representation",
    given=[*KMERS, *NAMES],
    params=settings("context_similarity", "top", "cosine"),
    inputs=DOMAINS | MUTATIONS,
    outputs=second_figure("context_similarity", "distances", "Representation", "Context similarity: distances")
    | second_figure("context_similarity", "maps", "Representation", "Context similarity: maps"),
)
