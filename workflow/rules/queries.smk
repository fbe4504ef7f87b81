"""Answers for new genomes, from a finished model: snakemake classify --configfile ... --config query=my.fasta"""

# Sequences of training genomes: who may not pass them on leaves them out of the model's folder.
WITH_KNOWN = Path(config["model_folder"] or f"results/{config['run']}/model", KNOWN).exists()
IMPORTED = [*NEEDED, SETTINGS, *([KNOWN] if WITH_KNOWN else [])]


# Before all else, so that a model that cannot serve ends the run at its beginning.
rule import_model:
    input:
        files=[local(f"{config['model_folder']}/{name}") for name in IMPORTED] if config["model_folder"] else [],
    output:
        model=directory("<results>/imported/finetuned"),
        beside=[f"<results>/imported/{name}" for name in [*BESIDE, *([KNOWN] if WITH_KNOWN else [])]],
    log:
        "<logs>/queries/import_model.log",
    priority: 100
    conda:
        "../../envs/torch.yaml"
    params:
        **given("import_model", "model_folder"),
    script:
        "../scripts/import_model.py"


rule find_nearest:
    input:
        spikes="<results>/queries/{query}/spikes/spikes.parquet",
        known="<model>/known.parquet",
    output:
        nearest="<results>/queries/{query}/nearest.parquet",
    log:
        "<logs>/queries/{query}/find_nearest.log",
    conda:
        "../../envs/plots.yaml"
    params:
        **given("find_nearest"),
    script:
        "../scripts/find_nearest.py"


rule revert_mutations:
    input:
        spikes="<results>/queries/{query}/spikes/spikes.parquet",
        model="<model>/finetuned",
        vocabulary=VOCABULARY,
        reference="<results>/reference/genome.fasta",
    output:
        reversions="<results>/queries/{query}/reversions.tsv",
    log:
        "<logs>/queries/{query}/revert_mutations.log",
    conda:
        TORCH
    threads: lookup("model/threads", within=config)
    resources:
        gpu=GPUS,
    params:
        **given("revert_mutations", "classes", "explained", "dataset/coordinates", "dataset/stride", *GENE, *DEVICE),
    script:
        "../scripts/revert_mutations.py"


rule tabulate_query:
    input:
        predictions="<results>/predictions/query.{query}.parquet",
        spikes="<results>/queries/{query}/spikes/spikes.parquet",
        nearest="<results>/queries/{query}/nearest.parquet" if WITH_KNOWN else [],
        reversions="<results>/queries/{query}/reversions.tsv",
        about="<model>/about.json",
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
