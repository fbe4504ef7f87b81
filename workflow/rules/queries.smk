"""Answers for new genomes, from a finished model: snakemake classify --configfile ... --config query=my.fasta"""


rule tabulate_query:
    input:
        predictions="<results>/predictions/query.{query}.parquet",
        spikes="<results>/queries/{query}/spikes/spikes.parquet",
        tries="<results>/model/tries/finetuned.tsv",
        reference="<results>/reference/genome.fasta",
        rejected=["<results>/queries/{query}/genomes/rejected.tsv", "<results>/queries/{query}/spikes/rejected.tsv"],
    output:
        table="<results>/queries/{query}/predictions.tsv",
        page="<results>/queries/{query}/predictions.html",
        query="<results>/queries/{query}/query.txt",
    log:
        "<logs>/queries/{query}/tabulate_query.log",
    conda:
        "../../envs/plots.yaml"
    params:
        **given("tabulate_query", "run", "classes", *GENE),
        query=str(Path(config["query"]).absolute()) if QUERY else "",
    script:
        "../scripts/tabulate_query.py"


rule classify:
    input:
        answers,
    localrule: True
