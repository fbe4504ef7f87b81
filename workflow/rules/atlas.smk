"""One page to explore what the analyses found."""

# The atlas's programs, in the order of their use.
PROGRAMS = "state elements figures findings thumbnails grid head track stream space predictions card atlas".split()


rule build_atlas:
    input:
        **DOMAINS,
        tables=collect("<results>/geometry/{analysis}.tsv", analysis=ANALYSES),
        networks=[f"<results>/replicates/{replicate}/geometry/{name}.tsv" for replicate, name in REPLICATED],
        pairs=written_by("attention_maps", "pairs.parquet"),
        tokens=written_by("attention_maps", "tokens.parquet"),
        contrasts=written_by("attention_domains", "pairs.parquet"),
        spaces=written_by("clustering", "maps.parquet"),
        spectra=written_by("subspace_directionality", "spectra.parquet"),
        attributions=written_by("attributions", "tokens.parquet"),
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
        environments=[own(f"envs/{name}.yaml") for name in ("align", "genomes", "plots", "torch")],
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
