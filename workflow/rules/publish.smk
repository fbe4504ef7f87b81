"""The model as it is passed on: its card, and a folder ready to be uploaded: snakemake publish --configfile ..."""

# What the card says of the run beside its tables.
DESCRIBED = ["run", "classes", "reference", "dataset", "split", "seed", "publish"]
# In the folder, by the name there.
PASSED_ON = {
    **{name: f"<results>/model/{name}" for name in BESIDE},
    **({KNOWN: f"<results>/model/{KNOWN}"} if config["publish"]["training_sequences"] else {}),
    REFERENCE: "<results>/reference/genome.fasta",
    CARD: "<results>/model/card.md",
}


rule write_model_card:
    input:
        model="<results>/model/finetuned",
        about="<results>/model/about.json",
        splits="<results>/dataset/split_sizes.tsv",
        metrics="<results>/evaluation/metrics.tsv",
        thresholds="<results>/evaluation/thresholds.tsv",
        reference="<results>/reference/genome.fasta",
    output:
        card="<results>/model/card.md",
    log:
        "<logs>/model/write_model_card.log",
    conda:
        "../../envs/plots.yaml"
    params:
        **given("write_model_card"),
        described={key: config[key] for key in DESCRIBED} | {"source": values("source/type"), "external": EXTERNAL},
    script:
        "../scripts/write_model_card.py"


rule pack_model:
    input:
        model="<results>/model/finetuned",
        beside=list(PASSED_ON.values()),
    output:
        folder=directory("<results>/publish"),
    log:
        "<logs>/model/pack_model.log",
    conda:
        "../../envs/genomes.yaml"
    params:
        **given("pack_model"),
        names=list(PASSED_ON),
        settings=settings_of_answers(config),
    script:
        "../scripts/pack_model.py"


rule publish:
    input:
        "<results>/publish",
    localrule: True
