"""Draw what each analysis measured."""

for analysis, drawn in FIGURES.items():

    rule:
        name:
            f"plot_{analysis}"
        input:
            **measured_by(analysis),
            **drawn.inputs,
        output:
            **figure(f"<results>/geometry/{analysis}", analysis, drawn.about, figure=drawn.title),
            **drawn.outputs,
        log:
            f"<logs>/geometry/plot_{analysis}.log",
        group:
            "figures"
        conda:
            "../../envs/plots.yaml"
        resources:
            **FIGURE,
        params:
            **given(f"plot_{analysis}", "classes", *drawn.given),
            **drawn.params,
            selected_classes=config["analyses"][analysis].get("classes"),
            figure=analysis,
        # By a param, because the path is read when the loop has ended.
        script:
            "../scripts/plot_{params.figure}.py"
