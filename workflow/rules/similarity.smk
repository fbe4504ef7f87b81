"""Likeness of token vectors: which k-mers heads make similar, and how evenly vectors use their space."""


rule context_similarity:
    input:
        model="<results>/model/finetuned",
        vocabulary="<results>/dataset/vocabulary.txt",
        sequences="<results>/activations/sequences.tsv",
        hidden_states="<results>/activations/hidden_states.npy",
        tokens="<results>/activations/tokens.npy",
        domains=lookup("reference/domains", within=config),
    output:
        table="<results>/geometry/context_similarity.tsv",
        distances="<results>/geometry/context_similarity/distances.tsv",
        anchors="<results>/geometry/context_similarity/anchors.tsv",
        findings="<results>/geometry/context_similarity/findings.tsv",
        maps="<results>/geometry/context_similarity/maps.npz",
        sequences="<results>/geometry/context_similarity/sequences.parquet",
    log:
        "<logs>/geometry/context_similarity.log",
    benchmark:
        "<benchmarks>/geometry/context_similarity.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    params:
        layers=lookup("analyses/context_similarity/layers", within=config),
        heads=lookup("analyses/context_similarity/heads", within=config),
        selected_classes=lookup("analyses/context_similarity/classes", within=config),
        top=lookup("analyses/context_similarity/top", within=config),
        sensitivity=lookup("analyses/context_similarity/sensitivity", within=config),
        cosine=lookup("analyses/context_similarity/cosine", within=config),
        overlapping=lookup("analyses/context_similarity/overlapping", within=config),
        maps=lookup("analyses/context_similarity/maps", within=config),
        classes=lookup("classes", within=config),
        confidence=lookup("evaluation/confidence", within=config),
        k=lookup("dataset/k", within=config),
        stride=lookup("dataset/stride", within=config),
        library=code_of("context_similarity"),
    message:
        "Finding the similar pairs of k-mers"
    script:
        "../scripts/context_similarity.py"


rule plot_context_similarity:
    input:
        table="<results>/geometry/context_similarity.tsv",
        distances="<results>/geometry/context_similarity/distances.tsv",
        anchors="<results>/geometry/context_similarity/anchors.tsv",
        maps="<results>/geometry/context_similarity/maps.npz",
        domains=lookup("reference/domains", within=config),
    output:
        png=report(
            "<results>/geometry/context_similarity.png",
            caption="../report/context_similarity.rst",
            category="5 Geometry",
            labels={"figure": "Context similarity"},
        ),
        svg="<results>/geometry/context_similarity.svg",
        distances_png=report(
            "<results>/geometry/context_similarity/distances.png",
            caption="../report/context_similarity_distances.rst",
            category="5 Geometry",
            labels={"figure": "Context similarity: distances"},
        ),
        distances_svg="<results>/geometry/context_similarity/distances.svg",
        maps_png=report(
            "<results>/geometry/context_similarity/maps.png",
            caption="../report/context_similarity_maps.rst",
            category="5 Geometry",
            labels={"figure": "Context similarity: maps"},
        ),
        maps_svg="<results>/geometry/context_similarity/maps.svg",
    log:
        "<logs>/geometry/plot_context_similarity.log",
    conda:
        "../../envs/plots.yaml"
    params:
        classes=lookup("classes", within=config),
        selected_classes=lookup("analyses/context_similarity/classes", within=config),
        top=lookup("analyses/context_similarity/top", within=config),
        cosine=lookup("analyses/context_similarity/cosine", within=config),
        k=lookup("dataset/k", within=config),
        stride=lookup("dataset/stride", within=config),
        library=code_of("plot_context_similarity"),
    message:
        "Drawing the similar pairs of k-mers"
    script:
        "../scripts/plot_context_similarity.py"


rule isotropy:
    input:
        model="<results>/model/finetuned",
        sequences="<results>/activations/sequences.tsv",
        hidden_states="<results>/activations/hidden_states.npy",
        tokens="<results>/activations/tokens.npy",
    output:
        table="<results>/geometry/isotropy.tsv",
        agreement="<results>/geometry/isotropy/agreement.tsv",
        findings="<results>/geometry/isotropy/findings.tsv",
        sequences="<results>/geometry/isotropy/sequences.parquet",
    log:
        "<logs>/geometry/isotropy.log",
    benchmark:
        "<benchmarks>/geometry/isotropy.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    params:
        layers=lookup("analyses/isotropy/layers", within=config),
        selected_classes=lookup("analyses/isotropy/classes", within=config),
        points=lookup("analyses/isotropy/points", within=config),
        classes=lookup("classes", within=config),
        confidence=lookup("evaluation/confidence", within=config),
        seed=lookup("seed", within=config),
        library=code_of("isotropy"),
    message:
        "Measuring how evenly token vectors use their space"
    script:
        "../scripts/isotropy.py"


rule plot_isotropy:
    input:
        table="<results>/geometry/isotropy.tsv",
        agreement="<results>/geometry/isotropy/agreement.tsv",
    output:
        png=report(
            "<results>/geometry/isotropy.png",
            caption="../report/isotropy.rst",
            category="5 Geometry",
            labels={"figure": "Isotropy"},
        ),
        svg="<results>/geometry/isotropy.svg",
    log:
        "<logs>/geometry/plot_isotropy.log",
    conda:
        "../../envs/plots.yaml"
    params:
        classes=lookup("classes", within=config),
        selected_classes=lookup("analyses/isotropy/classes", within=config),
        library=code_of("plot_isotropy"),
    message:
        "Drawing how evenly token vectors use their space"
    script:
        "../scripts/plot_isotropy.py"
