"""Finished runs side by side: snakemake compare --config 'runs=[one,other]'"""

# What is read of each run, where it has it. No rule that makes any of it is there when runs are compared.
READ = [
    "config.json",
    "model/about.json",
    "model/finetuned/config.json",
    "genomes/counts.tsv",
    "external/*/genomes/counts.tsv",
    "dataset/split_sizes.tsv",
    "spikes/spikes.parquet",
    "external/*/spikes/spikes.parquet",
    "predictions/**/*.parquet",
    "evaluation/metrics.tsv",
    "findings.tsv",
    "geometry/*.tsv",
    "replicates/random/geometry/*.tsv",
]


rule compare_runs:
    input:
        [str(path) for run in RUNS for pattern in READ for path in sorted(Path("results", run).glob(pattern))],
    output:
        table="results/comparisons/{comparison}/comparison.tsv",
        page="results/comparisons/{comparison}/comparison.html",
    log:
        "results/comparisons/{comparison}/compare_runs.log",
    conda:
        "../../envs/plots.yaml"
    params:
        **given("compare_runs", "runs", "evaluation/calibration_bins", *RESAMPLING),
    script:
        "../scripts/compare_runs.py"


rule compare:
    input:
        compared,
    localrule: True
