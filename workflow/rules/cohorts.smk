"""Files and settings of a job by its wildcards: of which cohort, of which model."""


def spikes_of(wildcards):
    """Gene sequences of the cohort that a split or external set belongs to."""
    return f"<results>/{COHORTS.get(wildcards.split, '')}spikes/spikes.parquet"


def genomes_of(wildcards):
    """Accepted genomes of the cohort that a split or external set belongs to."""
    return f"<results>/{COHORTS.get(wildcards.split, '')}genomes/accepted.tsv"


def splits_of(wildcards):
    """Which genomes are in a split; a set that is none has all of its cohort."""
    if wildcards.split in BACKGROUND:
        return "<results>/background/dataset/splits.parquet"
    return [] if wildcards.split in COHORTS else "<results>/dataset/splits.parquet"


def part_of(wildcards):
    """Name of a split in the table of its cohort's splits; none for a set that is all of its cohort."""
    return wildcards.split.removeprefix("background_") if splits_of(wildcards) else None


def vocabulary_of(wildcards):
    """The k-mers of the training split: for genomes to classify from the model's folder, which is all that is needed."""
    return f"<results>/{'model/finetuned/vocab.txt' if QUERY else 'dataset/vocabulary.txt'}"


def source_key(wildcards):
    """Config key of the cohort's source: `source`, `source.background`, `external.NAME` or `queries.NAME`."""
    keys = {"": "source", "background/": "source.background"}
    return keys.get(wildcards.cohort, ".".join(Path(wildcards.cohort).parts))


def source_of(wildcards):
    """Config block of the cohort's source."""
    if QUERY and wildcards.cohort == COHORTS[f"query.{QUERY}"]:
        # A file that was changed has another size or time, and new answers, whichever of two files is the older.
        file = Path(config["query"]).stat()
        stamp = [file.st_size, file.st_mtime_ns]
        return {"type": "query", "query": {"sequences": config["query"], "stamp": stamp}}
    source = lookup(source_key(wildcards).replace(".", "/"), within=config)
    return {key: source[key] for key in ("type", source["type"])}


def source_files(wildcards):
    """Files that the cohort's source reads. They are the user's: no prefix of a module applies to them."""
    return [local(path) for path in source_paths(source_of(wildcards), config).values()]


def unusable_table(cohort):
    """The rejected records of a cohort of no use, where Snakemake does not remove them as output of a failed job."""
    return f"results/{config['run']}/logs/{cohort}genomes/rejected.tsv"


def keep_unusable_tables():
    """Put the rejected records of cohorts of no use where those of others are."""
    for cohort in ["", *COHORTS.values()]:
        table = Path(unusable_table(cohort))
        if table.exists():
            target = Path(f"results/{config['run']}/{cohort}genomes/rejected.tsv")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(table, target)


def class_rules_of(wildcards):
    """Tables of the class rules, where the cohort's source has no classes of its own."""
    return config["class_rules"] if uses_class_rules(source_of(wildcards)) else None


def cohort_name(wildcards):
    """The cohort in words: the run, or the name of an external set."""
    return Path(wildcards.cohort).name or "the run"


def cohort_title(wildcards):
    """The cohort in the title of a figure, which says where its genomes are simulated."""
    simulated = source_of(wildcards)["type"] == "simulate"
    return cohort_name(wildcards) + (" (simulated)" if simulated else "")


def seed_of(wildcards):
    """Seed of a fine-tuning: the run's, and for a control `seedN` the run's and N more."""
    control = wildcards.model.removeprefix("seed")
    return config["seed"] + (int(control) if control.isdecimal() else 0)


def checkpoints_of(wildcards):
    """Folder of the checkpoints of a fine-tuning."""
    return f"{CHECKPOINTS}/{wildcards.model}"


def phase_of(wildcards):
    """Name of a fine-tuning in the training curves."""
    return "finetune" if wildcards.model == "finetuned" else wildcards.model


def answers(wildcards):
    """The answers that `classify` is to give."""
    if not QUERY:
        raise WorkflowError("Name the genomes to classify: --config query=my.fasta")
    return collect("<results>/queries/{query}/predictions.{kind}", query=QUERY, kind=["tsv", "html"])
