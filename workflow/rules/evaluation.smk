"""How good the predictions are, beside those of simple baselines."""

BASELINES = ["majority", "kmer_logistic", "nearest_neighbour"]
PREDICTIONS = {
    "bert": "<results>/predictions/finetuned/{set}.parquet",
    **{
        name: f"<results>/predictions/{name}/{{set}}.parquet"
        for name in config["model"]["controls"]
    },
    **{
        name: f"<results>/predictions/baselines/{name}/{{set}}.parquet"
        for name in BASELINES
    },
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
    benchmark:
        "<benchmarks>/model/fit_kmer_logistic.tsv"
    conda:
        "../../envs/plots.yaml"
    params:
        classes=lookup("classes", within=config),
        library=code_of("fit_kmer_logistic"),
    message:
        "Fitting the linear baseline"
    script:
        "../scripts/fit_kmer_logistic.py"


rule run_baseline:
    input:
        train="<results>/dataset/train.arrow",
        spikes="<results>/spikes/spikes.parquet",
        fitted=branch(
            lambda wildcards: wildcards.baseline == "kmer_logistic",
            then="<results>/model/kmer_logistic.npz",
            otherwise=[],
        ),
        sets=collect("<results>/dataset/{set}.arrow", set=EVALUATED),
        set_spikes=[
            f"<results>/{COHORTS.get(name, '')}spikes/spikes.parquet"
            for name in EVALUATED
        ],
    output:
        collect(
            "<results>/predictions/baselines/{{baseline}}/{set}.parquet", set=EVALUATED
        ),
    log:
        "<logs>/predictions/baselines/{baseline}.log",
    benchmark:
        "<benchmarks>/predictions/baselines/{baseline}.tsv"
    wildcard_constraints:
        baseline="|".join(BASELINES),
    conda:
        "../../envs/plots.yaml"
    params:
        classes=lookup("classes", within=config),
        analysed_per_class=lookup("dataset/analysed_per_class", within=config),
        seed=lookup("seed", within=config),
        library=code_of("run_baseline"),
    message:
        "Predicting with the baseline {wildcards.baseline}"
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
        models=list(PREDICTIONS),
        classes=lookup("classes", within=config),
        bootstrap=lookup("evaluation/bootstrap", within=config),
        confidence=lookup("evaluation/confidence", within=config),
        bins=lookup("evaluation/calibration_bins", within=config),
        seed=lookup("seed", within=config),
        library=code_of("evaluate_predictions"),
    message:
        "Evaluating the predictions on {wildcards.set}"
    script:
        "../scripts/evaluate_predictions.py"


rule gather_metrics:
    input:
        metrics=collect("<results>/evaluation/{set}/metrics.tsv", set=EVALUATED),
        other=collect("<results>/evaluation/{set}/other.tsv", set=EVALUATED),
        abstention=collect("<results>/evaluation/{set}/abstention.tsv", set=EVALUATED),
    output:
        metrics=report(
            "<results>/evaluation/metrics.tsv",
            caption="../report/metrics.rst",
            category="4 Evaluation",
            labels={"set": "all", "table": "Metrics"},
        ),
        other=report(
            "<results>/evaluation/other.tsv",
            caption="../report/other.rst",
            category="4 Evaluation",
            labels={"set": "all", "table": "Genomes of none of the classes"},
        ),
        abstention=report(
            "<results>/evaluation/abstention.tsv",
            caption="../report/abstention.rst",
            category="4 Evaluation",
            labels={"set": "all", "table": "Abstention"},
        ),
        json="<results>/evaluation/metrics.json",
    log:
        "<logs>/evaluation/gather_metrics.log",
    conda:
        "../../envs/plots.yaml"
    params:
        library=code_of("gather_metrics"),
    message:
        "Gathering the metrics of all sets"
    script:
        "../scripts/gather_metrics.py"


rule write_front_page:
    input:
        counts="<results>/genomes/counts.tsv",
        splits="<results>/dataset/split_sizes.tsv",
        metrics="<results>/evaluation/metrics.tsv",
        abstention="<results>/evaluation/abstention.tsv",
        findings="<results>/findings.tsv",
        tries="<results>/model/tries/finetuned.tsv",
        template="workflow/report/workflow.rst",
    output:
        page="<results>/front.rst",
    log:
        "<logs>/write_front_page.log",
    conda:
        "../../envs/plots.yaml"
    params:
        library=code_of("write_front_page"),
    message:
        "Writing the first page of the report"
    script:
        "../scripts/write_front_page.py"


rule plot_evaluation:
    input:
        metrics="<results>/evaluation/{set}/metrics.tsv",
        confusion="<results>/evaluation/{set}/confusion.tsv",
        curves="<results>/evaluation/{set}/curves.tsv",
        calibration="<results>/evaluation/{set}/calibration.tsv",
    output:
        metrics_png=report(
            "<results>/evaluation/{set}/metrics.png",
            caption="../report/metrics.rst",
            category="4 Evaluation",
            labels={"set": "{set}", "figure": "BERT beside the baselines"},
        ),
        metrics_svg="<results>/evaluation/{set}/metrics.svg",
        confusion_png=report(
            "<results>/evaluation/{set}/confusion.png",
            caption="../report/confusion.rst",
            category="4 Evaluation",
            labels={"set": "{set}", "figure": "Confusion matrix"},
        ),
        confusion_svg="<results>/evaluation/{set}/confusion.svg",
        curves_png=report(
            "<results>/evaluation/{set}/curves.png",
            caption="../report/curves.rst",
            category="4 Evaluation",
            labels={"set": "{set}", "figure": "Precision-recall and ROC curves"},
        ),
        curves_svg="<results>/evaluation/{set}/curves.svg",
        calibration_png=report(
            "<results>/evaluation/{set}/calibration.png",
            caption="../report/calibration.rst",
            category="4 Evaluation",
            labels={"set": "{set}", "figure": "Calibration"},
        ),
        calibration_svg="<results>/evaluation/{set}/calibration.svg",
    log:
        "<logs>/evaluation/{set}/plot_evaluation.log",
    conda:
        "../../envs/plots.yaml"
    params:
        library=code_of("plot_evaluation"),
    message:
        "Drawing the evaluation on {wildcards.set}"
    script:
        "../scripts/plot_evaluation.py"
