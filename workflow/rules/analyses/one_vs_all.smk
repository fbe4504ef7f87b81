"""Tell each class from the rest by the tokens in a few slots: the most attended, the most telling, random ones."""


rule one_vs_all:
    input:
        model="<results>/model/finetuned",
        train="<results>/dataset/train.arrow",
        test="<results>/dataset/test.arrow",
        vocabulary="<results>/dataset/vocabulary.txt",
    output:
        table="<results>/geometry/one_vs_all.tsv",
        positions=report(
            "<results>/geometry/one_vs_all/positions.tsv",
            caption="../../report/one_vs_all_positions.rst",
            category="5 Geometry",
            labels={"table": "One class against the rest: positions"},
        ),
        slots="<results>/geometry/one_vs_all/slots.parquet",
    log:
        "<logs>/geometry/one_vs_all.log",
    benchmark:
        "<benchmarks>/geometry/one_vs_all.tsv"
    conda:
        "../../../envs/torch.yaml"
    threads: 1
    params:
        **settings("one_vs_all"),
        **of_run(
            "classes",
            "k",
            "stride",
            "analysed_per_class",
            "bootstrap",
            "confidence",
            "seed",
        ),
        library=code_of("one_vs_all"),
    message:
        "Telling each class from the rest by a few positions"
    script:
        "../../scripts/one_vs_all.py"


rule plot_one_vs_all:
    input:
        table="<results>/geometry/one_vs_all.tsv",
        positions="<results>/geometry/one_vs_all/positions.tsv",
        domains=lookup("reference/domains", within=config),
    output:
        **figure("one_vs_all", "One class against the rest"),
    log:
        "<logs>/geometry/plot_one_vs_all.log",
    conda:
        "../../../envs/plots.yaml"
    params:
        **settings("one_vs_all", "classes"),
        **of_run("classes"),
        library=code_of("plot_one_vs_all"),
    message:
        "Drawing how a few positions tell each class"
    script:
        "../../scripts/plot_one_vs_all.py"
