"""How good the predictions are, beside those of simple baselines."""

BASELINES = ["majority", "kmer_logistic", "nearest_neighbour"]
PREDICTIONS = {
    "bert": "<results>/predictions/finetuned/{set}.parquet",
    **{name: f"<results>/predictions/{name}/{{set}}.parquet" for name in config["model"]["controls"]},
    **{name: f"<results>/predictions/baselines/{name}/{{set}}.parquet" for name in BASELINES},
}
EVALUATION_FIGURES = {
    "metrics": "BERT beside the baselines",
    "confusion": "Confusion matrix",
    "curves": "Precision-recall and ROC curves",
    "calibration": "Calibration",
}


rule fit_kmer_logistic:
    input:
        train="<results>/dataset/train.arrow",
        validation="<results>/dataset/validation.arrow",
        vocabulary="<results>/dataset/vocabulary.txt",
    output:
        baseline="<results>/model/kmer_logistic.npz",
    log:
        "<logs>/model/fit_kmer_logistic.log",
    conda:
        "../../envs/plots.yaml"
    params:
        **given("fit_kmer_logistic", "classes"),
    script:
        "../scripts/fit_kmer_logistic.py"


rule run_baseline:
    input:
        train="<results>/dataset/train.arrow",
        spikes="<results>/spikes/spikes.parquet",
        fitted=lambda wildcards: "<results>/model/kmer_logistic.npz" if wildcards.baseline == "kmer_logistic" else [],
        sets=collect("<results>/dataset/{set}.arrow", set=EVALUATED),
        set_spikes=[f"<results>/{COHORTS.prefix(name)}spikes/spikes.parquet" for name in EVALUATED],
    output:
        collect("<results>/predictions/baselines/{{baseline}}/{set}.parquet", set=EVALUATED),
    log:
        "<logs>/predictions/baselines/{baseline}.log",
    benchmark:
        "<benchmarks>/predictions/baselines/{baseline}.tsv"
    wildcard_constraints:
        baseline="|".join(BASELINES),
    conda:
        "../../envs/plots.yaml"
    params:
        **given("run_baseline", "classes", "dataset/analysed_per_class", "seed"),
    script:
        "../scripts/run_baseline.py"


rule evaluate_predictions:
    input:
        sequences="<results>/dataset/{set}.arrow",
        predictions=list(PREDICTIONS.values()),
    output:
        metrics="<results>/evaluation/{set}/metrics.tsv",
        confusion="<results>/evaluation/{set}/confusion.tsv",
        curves="<results>/evaluation/{set}/curves.tsv",
        calibration="<results>/evaluation/{set}/calibration.tsv",
        other="<results>/evaluation/{set}/other.tsv",
    log:
        "<logs>/evaluation/{set}/evaluate_predictions.log",
    benchmark:
        "<benchmarks>/evaluation/{set}/evaluate_predictions.tsv"
    conda:
        "../../envs/plots.yaml"
    params:
        **given("evaluate_predictions", "classes", "evaluation/calibration_bins", *RESAMPLING),
        models=list(PREDICTIONS),
    script:
        "../scripts/evaluate_predictions.py"


rule gather_metrics:
    input:
        metrics=collect("<results>/evaluation/{set}/metrics.tsv", set=EVALUATED),
        other=collect("<results>/evaluation/{set}/other.tsv", set=EVALUATED),
        abstention=collect("<results>/evaluation/{set}/abstention.tsv", set=EVALUATED),
    output:
        metrics=in_report("<results>/evaluation/metrics.tsv", "metrics", set="all", table="Metrics"),
        other=in_report("<results>/evaluation/other.tsv", "other", set="all", table="Genomes out of class"),
        abstention=in_report("<results>/evaluation/abstention.tsv", "abstention", set="all", table="Abstention"),
        json="<results>/evaluation/metrics.json",
    log:
        "<logs>/evaluation/gather_metrics.log",
    conda:
        "../../envs/plots.yaml"
    params:
        **given("gather_metrics"),
    script:
        "../scripts/gather_metrics.py"


rule describe_model:
    input:
        counts="<results>/genomes/counts.tsv",
        splits="<results>/dataset/split_sizes.tsv",
        metrics="<results>/evaluation/metrics.tsv",
        abstention="<results>/evaluation/abstention.tsv",
        tries="<results>/model/tries/finetuned.tsv",
        reference="<results>/reference/genome.fasta",
        definitions=DEFINITIONS,
    output:
        about="<results>/model/about.json",
    log:
        "<logs>/model/describe_model.log",
    conda:
        "../../envs/plots.yaml"
    params:
        **given("describe_model", "source/type", "classes", "analyses/attributions/share", *GENE),
    script:
        "../scripts/describe_model.py"


# Tables of which the first page and the captions tell the results, by the arguments of what makes these.
TOLD = {
    "counts": "<results>/genomes/counts.tsv",
    "splits": "<results>/dataset/split_sizes.tsv",
    "leakage": "<results>/dataset/leakage.tsv",
    "tries": "<results>/model/tries/finetuned.tsv",
    "metrics": "<results>/evaluation/metrics.tsv",
    "abstention": "<results>/evaluation/abstention.tsv",
    "findings": "<results>/findings.tsv",
}


rule write_front_page:
    input:
        **TOLD,
        template=own("workflow/report/workflow.rst"),
    output:
        page="<results>/front.rst",
    log:
        "<logs>/write_front_page.log",
    conda:
        "../../envs/plots.yaml"
    params:
        **given("write_front_page", "source/type"),
    script:
        "../scripts/write_front_page.py"


rule plot_evaluation:
    input:
        metrics="<results>/evaluation/{set}/metrics.tsv",
        confusion="<results>/evaluation/{set}/confusion.tsv",
        curves="<results>/evaluation/{set}/curves.tsv",
        calibration="<results>/evaluation/{set}/calibration.tsv",
    output:
        **figures("<results>/evaluation/{set}", EVALUATION_FIGURES, set="{set}"),
    log:
        "<logs>/evaluation/{set}/plot_evaluation.log",
    group:
        "figures"
    conda:
        "../../envs/plots.yaml"
    resources:
        **FIGURE,
    params:
        **given("plot_evaluation"),
    script:
        "../scripts/plot_evaluation.py"
