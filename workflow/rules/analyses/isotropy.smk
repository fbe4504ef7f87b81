"""Measure how evenly the token vectors of every layer use the directions of their space."""


rule isotropy:
    input:
        **RECORDED,
    output:
        table="<results>/{network}geometry/isotropy.tsv",
        agreement="<results>/{network}geometry/isotropy/agreement.tsv",
        findings="<results>/{network}geometry/isotropy/findings.tsv",
        sequences="<results>/{network}geometry/isotropy/sequences.parquet",
    log:
        "<logs>/{network}geometry/isotropy.log",
    benchmark:
        "<benchmarks>/{network}geometry/isotropy.tsv"
    conda:
        "../../../envs/torch.yaml"
    threads: 1
    params:
        **settings("isotropy"),
        **of_run("classes", "confidence", "seed"),
        library=code_of("isotropy"),
    message:
        "Measuring how evenly token vectors use their space"
    script:
        "../../scripts/isotropy.py"


rule plot_isotropy:
    input:
        table="<results>/geometry/isotropy.tsv",
        agreement="<results>/geometry/isotropy/agreement.tsv",
    output:
        **figure("isotropy", "Isotropy"),
    log:
        "<logs>/geometry/plot_isotropy.log",
    conda:
        "../../../envs/plots.yaml"
    params:
        **settings("isotropy", "classes"),
        **of_run("classes"),
        library=code_of("plot_isotropy"),
    message:
        "Drawing how evenly token vectors use their space"
    script:
        "../../scripts/plot_isotropy.py"
