"""When the classifier abstains, and how well that keeps genomes out of class out."""

FITTED_ON = ["validation", *BACKGROUND[1:]]


rule fit_abstention:
    input:
        predictions=collect("<results>/predictions/finetuned/{part}.parquet", part=FITTED_ON),
        validation=collect("<results>/dataset/{part}.arrow", part=FITTED_ON),
    output:
        rule="<results>/model/abstention.json",
        thresholds=in_report(
            "<results>/evaluation/thresholds.tsv",
            "abstention",
            set="all",
            table="Thresholds of abstention",
        ),
    log:
        "<logs>/model/fit_abstention.log",
    conda:
        "../../envs/plots.yaml"
    params:
        **given("fit_abstention", "classes", "evaluation/abstention/score", "evaluation/abstention/keep"),
    script:
        "../scripts/fit_abstention.py"


rule evaluate_abstention:
    input:
        sequences=collect("<results>/dataset/{part}.arrow", part=["{set}", "test"]),
        predictions=collect("<results>/predictions/finetuned/{part}.parquet", part=["{set}", "test"]),
        validation=collect("<results>/dataset/{part}.arrow", part=FITTED_ON),
        validation_predictions=collect("<results>/predictions/finetuned/{part}.parquet", part=FITTED_ON),
        rule="<results>/model/abstention.json",
    output:
        metrics="<results>/evaluation/{set}/abstention.tsv",
        curves="<results>/evaluation/{set}/abstention/curves.tsv",
        scores="<results>/evaluation/{set}/abstention/scores.tsv",
    log:
        "<logs>/evaluation/{set}/evaluate_abstention.log",
    conda:
        "../../envs/plots.yaml"
    params:
        **given("evaluate_abstention", "evaluation/calibration_bins", *RESAMPLING),
    script:
        "../scripts/evaluate_abstention.py"


rule plot_abstention:
    input:
        metrics="<results>/evaluation/{set}/abstention.tsv",
        curves="<results>/evaluation/{set}/abstention/curves.tsv",
        scores="<results>/evaluation/{set}/abstention/scores.tsv",
    output:
        **figure("<results>/evaluation/{set}/abstention", "abstention", set="{set}", figure="Abstention"),
    log:
        "<logs>/evaluation/{set}/plot_abstention.log",
    group:
        "figures"
    conda:
        "../../envs/plots.yaml"
    resources:
        **FIGURE,
    params:
        **given("plot_abstention"),
    script:
        "../scripts/plot_abstention.py"
