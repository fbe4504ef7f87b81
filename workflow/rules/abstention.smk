"""When the classifier abstains, and how well that keeps genomes of none of the classes out."""

FITTED_ON = ["validation", *BACKGROUND[1:]]


rule fit_abstention:
    input:
        predictions=collect(
            "<results>/predictions/finetuned/{part}.parquet", part=FITTED_ON
        ),
        validation=collect("<results>/dataset/{part}.arrow", part=FITTED_ON),
    output:
        rule="<results>/model/abstention.json",
        thresholds=report(
            "<results>/evaluation/thresholds.tsv",
            caption="../report/abstention.rst",
            category="4 Evaluation",
            labels={"set": "all", "table": "Thresholds of abstention"},
        ),
    log:
        "<logs>/model/fit_abstention.log",
    conda:
        "../../envs/plots.yaml"
    params:
        classes=lookup("classes", within=config),
        score=lookup("evaluation/abstention/score", within=config),
        keep=lookup("evaluation/abstention/keep", within=config),
        library=code_of("fit_abstention"),
    message:
        "Fitting when the classifier abstains"
    script:
        "../scripts/fit_abstention.py"


rule evaluate_abstention:
    input:
        sequences=collect("<results>/dataset/{part}.arrow", part=["{set}", "test"]),
        predictions=collect(
            "<results>/predictions/finetuned/{part}.parquet", part=["{set}", "test"]
        ),
        validation=collect("<results>/dataset/{part}.arrow", part=FITTED_ON),
        validation_predictions=collect(
            "<results>/predictions/finetuned/{part}.parquet", part=FITTED_ON
        ),
        rule="<results>/model/abstention.json",
    output:
        metrics="<results>/evaluation/{set}/abstention.tsv",
        curves="<results>/evaluation/{set}/abstention/curves.tsv",
        scores="<results>/evaluation/{set}/abstention/scores.tsv",
    log:
        "<logs>/evaluation/{set}/evaluate_abstention.log",
    benchmark:
        "<benchmarks>/evaluation/{set}/evaluate_abstention.tsv"
    conda:
        "../../envs/plots.yaml"
    params:
        bootstrap=lookup("evaluation/bootstrap", within=config),
        confidence=lookup("evaluation/confidence", within=config),
        bins=lookup("evaluation/calibration_bins", within=config),
        seed=lookup("seed", within=config),
        library=code_of("evaluate_abstention"),
    message:
        "Evaluating on {wildcards.set} when the classifier abstains"
    script:
        "../scripts/evaluate_abstention.py"


rule plot_abstention:
    input:
        metrics="<results>/evaluation/{set}/abstention.tsv",
        curves="<results>/evaluation/{set}/abstention/curves.tsv",
        scores="<results>/evaluation/{set}/abstention/scores.tsv",
    output:
        png=report(
            "<results>/evaluation/{set}/abstention.png",
            caption="../report/abstention.rst",
            category="4 Evaluation",
            labels={"set": "{set}", "figure": "Abstention"},
        ),
        svg="<results>/evaluation/{set}/abstention.svg",
    log:
        "<logs>/evaluation/{set}/plot_abstention.log",
    conda:
        "../../envs/plots.yaml"
    params:
        library=code_of("plot_abstention"),
    message:
        "Drawing when the classifier abstains on {wildcards.set}"
    script:
        "../scripts/plot_abstention.py"
