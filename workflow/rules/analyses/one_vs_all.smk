"""Tell each class from the rest by the tokens in a few slots: the most attended, the most informative, random ones."""


rule one_vs_all:
    input:
        model="<results>/model/finetuned",
        train="<results>/dataset/train.arrow",
        test="<results>/dataset/test.arrow",
        vocabulary="<results>/dataset/vocabulary.txt",
    output:
        table="<results>/geometry/one_vs_all.tsv",
        positions=in_report(
            "<results>/geometry/one_vs_all/positions.tsv",
            "one_vs_all_positions",
            "Information",
            table="One class against the rest: positions",
        ),
        slots="<results>/geometry/one_vs_all/slots.parquet",
    log:
        "<logs>/geometry/one_vs_all.log",
    benchmark:
        "<benchmarks>/geometry/one_vs_all.tsv"
    conda:
        "../../../envs/torch.yaml"
    params:
        **measured("one_vs_all", "classes", "dataset/analysed_per_class", *KMERS, *RESAMPLING),
    script:
        "../../scripts/one_vs_all.py"


FIGURES["one_vs_all"] = Figure("One class against the rest", "Information", given=NAMES, inputs=DOMAINS | MUTATIONS)
