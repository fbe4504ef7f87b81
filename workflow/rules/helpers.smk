"""What the rules files are written with: values of the configuration, digests of the library, and files in the report."""


def code_of(script):
    """Digest of a script and the library modules behind it, so that its job runs again when they are edited.

    It is a function, because jobs of Snakemake read all rules and ask for the digest of one.
    """
    return lambda _: digest_once(SCRIPTS / f"{script}.py")


def own(path):
    """A file of the workflow, by its path from the working directory. No prefix of a module applies to it."""
    return local(os.path.relpath(ROOT / path))


def values(*paths):
    """Values of the configuration as params or inputs, each by the last part of its path."""
    return {Path(path).name: lookup(path, within=config) for path in paths}


def cohort_name(wildcards):
    """The cohort of a job in words."""
    return COHORTS.name(wildcards.cohort)


def answers(wildcards):
    """The answers that `classify` is to give."""
    if not QUERY:
        raise WorkflowError("Name the genomes to classify: --config query=my.fasta")
    return collect("<results>/queries/{query}/predictions.{kind}", query=QUERY, kind=["tsv", "html"])


def compared(_):
    """The comparison that `compare` is to make."""
    try:
        check_runs(RUNS)
    except InputError as error:
        raise WorkflowError(str(error)) from None
    return expand("results/comparisons/{name}/comparison.{kind}", name=comparison_name(RUNS), kind=["tsv", "html"])


# Values that go together.
KMERS = ["dataset/k", "dataset/stride"]
GENE = ["reference/start", "reference/end"]
TRAINING = [f"model/{key}" for key in ("precision", "compile", "device", "gpus", "threads", "snapshots")]
DEVICE = ["model/device", "model/threads", "inference/batch_size"]
RESAMPLING = ["evaluation/bootstrap", "evaluation/confidence", "seed"]


def by_name(params):
    """Which value is whose, as one param more.

    Snakemake compares the values of params without their names: of two numbers that change places it sees nothing.
    """
    return repr(sorted(params.items()))


def given(script, *paths):
    """Values of the configuration, and the digest of the library behind a script: params of all rules with one."""
    params = values(*paths)
    return {**params, "given_by_name": by_name(params), "library": code_of(script)}


# Parts of the report, by the folder of what they show.
PARTS_OF_REPORT = {
    "genomes/": "1 Genomes",
    "spikes/": "1 Genomes",
    "dataset/": "2 Data set",
    "model/": "3 Model",
    "evaluation/": "4 Evaluation",
    "geometry/": "5 Geometry",
    "provenance.tsv": "6 What ran",
}


def of_finished(name, otherwise):
    """A file of this run where it is there, as it is after the run, else another file."""
    made = Path(f"results/{config['run']}/{name}").absolute()
    return str(made) if made.exists() else otherwise


def in_report(path, caption, about=None, patterns=(), **labels):
    """A file that the report shows in the part of its folder, with the caption of that name.

    `about` is the smaller part that it belongs to. Labels are texts or functions of the wildcards.
    """
    category = next((part for folder, part in PARTS_OF_REPORT.items() if folder in path), "0 Findings")
    return report(
        path,
        patterns=list(patterns),
        # With the result of the run, or without.
        caption=of_finished(f"captions/{caption}.rst", f"{ROOT}/workflow/report/{caption}.rst"),
        category=category,
        subcategory=about,
        labels=lambda wildcards: {
            name: label(wildcards) if callable(label) else label for name, label in labels.items()
        },
    )


def figure(path, caption, about=None, prefix="", **labels):
    """The two files of a figure, of which the report shows one."""
    return {f"{prefix}png": in_report(f"{path}.png", caption, about, **labels), f"{prefix}svg": f"{path}.svg"}


def figures(folder, titles, **labels):
    """The files of several figures of one job, by name."""
    files = {}
    for name, title in titles.items():
        files |= figure(f"{folder}/{name}", name, prefix=f"{name}_", figure=title, **labels)
    return files


# What a job of a figure needs at most; a job that was killed for its time or memory is sent again with more of both.
FIGURE = {"runtime": lambda wildcards, attempt: 10 * attempt, "mem_mb": lambda wildcards, attempt: 2000 * attempt}
