"""One page to explore what the analyses found."""

# The atlas's programs, in the order of their use.
PROGRAMS = (
    "state elements figures findings thumbnails grid head track sequence "
    "substitutions stream space predictions card atlas"
).split()

# Tables of single sequences.
EXAMPLES = ["sequences", "kmers", "attention", "mutations"]


rule explain_examples:
    input:
        model="<results>/model/finetuned",
        test="<results>/dataset/test.arrow",
        predictions="<results>/predictions/test.parquet",
        spikes="<results>/spikes/spikes.parquet",
        known="<results>/model/known.parquet",
        vocabulary="<results>/dataset/vocabulary.txt",
        reference="<results>/reference/genome.fasta",
        definitions=DEFINITIONS,
    output:
        **{name: f"<results>/examples/{name}.parquet" for name in EXAMPLES},
    log:
        "<logs>/explain_examples.log",
    benchmark:
        "<benchmarks>/explain_examples.tsv"
    conda:
        TORCH
    threads: lookup("model/threads", within=config)
    resources:
        gpu=GPUS,
    params:
        **given(
            "explain_examples", "classes", "atlas/sequences_per_class", "dataset/coordinates", *KMERS, *GENE, *DEVICE
        ),
        **settings("attributions", "baselines", "steps", "residual", "share"),
    script:
        "../scripts/explain_examples.py"


rule build_atlas:
    input:
        **DOMAINS,
        **{
            f"example_{name}": f"<results>/examples/{name}.parquet" if config["atlas"]["sequences_per_class"] else []
            for name in EXAMPLES
        },
        tables=collect("<results>/geometry/{analysis}.tsv", analysis=ANALYSES),
        networks=[f"<results>/replicates/{replicate}/geometry/{name}.tsv" for replicate, name in REPLICATED],
        pairs=written_by("attention_maps", "pairs.parquet"),
        tokens=written_by("attention_maps", "tokens.parquet"),
        contrasts=written_by("attention_domains", "pairs.parquet"),
        spaces=written_by("clustering", "maps.parquet"),
        spectra=written_by("subspace_directionality", "spectra.parquet"),
        attributions=written_by("attributions", "tokens.parquet"),
        trajectory=written_by("training_trajectory", "heads.parquet"),
        curves="<results>/geometry/training_trajectory.tsv" if "training_trajectory" in ANALYSES else [],
        substitutions=written_by("in_silico_mutagenesis", "scores.parquet"),
        substituted=written_by("in_silico_mutagenesis", "residues.tsv"),
        model="<results>/model/finetuned",
        attention="<results>/activations/attention_mean.npz",
        cls="<results>/activations/cls.npy",
        sequences="<results>/activations/sequences.tsv",
        predictions="<results>/predictions/test.parquet",
        confusion="<results>/evaluation/test/confusion.tsv",
        metrics="<results>/evaluation/metrics.tsv",
        findings="<results>/findings.tsv",
        tries="<results>/model/tries/finetuned.tsv",
        splits="<results>/dataset/split_sizes.tsv",
        reference="<results>/reference/genome.fasta",
        definitions=DEFINITIONS,
        style=own("workflow/report/atlas/style.css"),
        body=own("workflow/report/atlas/body.html"),
        programs=[own(f"workflow/report/atlas/{name}.js") for name in PROGRAMS],
    output:
        page="<results>/atlas.html",
    log:
        "<logs>/build_atlas.log",
    benchmark:
        "<benchmarks>/build_atlas.tsv"
    conda:
        "../../envs/plots.yaml"
    params:
        **given("build_atlas"),
        config=config,
    script:
        "../scripts/build_atlas.py"
