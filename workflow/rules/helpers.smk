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


# Values that go together.
KMERS = ["dataset/k", "dataset/stride"]
GENE = ["reference/start", "reference/end"]
DEVICE = ["model/device", "model/threads", "inference/batch_size"]
RESAMPLING = ["evaluation/bootstrap", "evaluation/confidence", "seed"]


def given(script, *paths):
    """Values of the configuration, and the digest of the library behind a script: params of all rules with one."""
    return {**values(*paths), "library": code_of(script)}


def in_report(path, caption, part, patterns=(), **labels):
    """A file that the report shows in a part ("category" or "category/subcategory"), with the caption of that name.

    Labels are texts or functions of the wildcards.
    """
    category, _, subcategory = part.partition("/")
    return report(
        path,
        patterns=list(patterns),
        caption=f"{ROOT}/workflow/report/{caption}.rst",
        category=category,
        subcategory=subcategory or None,
        labels=lambda wildcards: {
            name: label(wildcards) if callable(label) else label for name, label in labels.items()
        },
    )


def folder_in_report(path, caption, part, **labels):
    """A folder of figures that the report shows."""
    return in_report(directory(path), caption, part, ["{figure}.png"], **labels)


def figure(path, caption, part, prefix="", **labels):
    """The two files of a figure, of which the report shows one."""
    return {f"{prefix}png": in_report(f"{path}.png", caption, part, **labels), f"{prefix}svg": f"{path}.svg"}


def figures(folder, part, titles, **labels):
    """The files of several figures of one job, by name."""
    files = {}
    for name, title in titles.items():
        files |= figure(f"{folder}/{name}", name, part, f"{name}_", figure=title, **labels)
    return files


# What a job of a figure needs at most; a job that was killed for its time or memory is sent again with more of both.
FIGURE = {"runtime": lambda wildcards, attempt: 10 * attempt, "mem_mb": lambda wildcards, attempt: 2000 * attempt}
