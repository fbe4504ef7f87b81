"""What the rules of the analyses share: the network that is measured, settings, and figures."""

from collections import namedtuple

# Models whose weights are compared. The first is the one that changes are measured from.
COMPARED = ["pretrained", *MODELS]


def network_name(wildcards):
    """Name of the model that is measured: the run's own, or a replicate."""
    return Path(wildcards.network).name or "finetuned"


def network_model(wildcards):
    """Folder of the model that is measured."""
    return f"<results>/model/{network_name(wildcards)}"


def masked_model(wildcards):
    """Folder of the masked model behind it: trainings have one masked start, the untrained network an untrained one."""
    return "<results>/model/" + ("random_masked" if network_name(wildcards) == "random" else "pretrained")


# Trainings, which keep snapshots of their weights and their history.
TRAINED = [model for model in COMPARED if model != "random"]


def of_training(path):
    """An input of a job that measures a model, where that was trained."""
    return lambda wildcards: path.format(model=wildcards.model) if wildcards.model in TRAINED else []


def phases_of(wildcards):
    """The models of both phases of a network. Seeds share the pre-training, which is measured once."""
    name = network_name(wildcards)
    start = {"finetuned": "pretrained", "random": "random"}.get(name)
    return ({"pretrain": start} if start else {}) | {"finetune": name}


# What analyses read of a network: its weights, and its activations on a sample of the test split.
RECORDED = {
    "model": network_model,
    "sequences": "<results>/{network}activations/sequences.tsv",
    "hidden_states": "<results>/{network}activations/hidden_states.npy",
    "tokens": "<results>/{network}activations/tokens.npy",
}


def settings(analysis, *keys):
    """Settings of an analysis as params: those named, else all but the table of definitions, which is an input."""
    found = settings_of(config["analyses"][analysis], *keys)
    params = {key: value for key, value in found.items() if key != "definitions"}
    return {**params, "settings_by_name": by_name(params)}


def measured(analysis, *paths):
    """All settings of an analysis, and what `given` gives, as params."""
    return {**given(analysis, *paths), **settings(analysis)}


# Tables of the parts of the protein.
DOMAINS = {"domains": "<results>/reference/domains.tsv"}
REGIONS = {"regions": "<results>/reference/regions.tsv"}
# What names the mutations that define classes on the axis of a figure: inputs, and values of the configuration.
MUTATIONS = {"definitions": DEFINITIONS, "reference": "<results>/reference/genome.fasta"}
NAMES = ["analyses/attributions/share", "dataset/coordinates", *GENE]


Figure = namedtuple("Figure", "title about given params inputs outputs", defaults=((), {}, {}, {}))
# The figure of each analysis: its title, what it is about, and what its script takes and writes beside what all take.
# What it takes: values of the configuration by their paths, settings of the analysis, and files.
FIGURES = {}


def second_figure(analysis, name, about, title):
    """A further figure of an analysis, whose caption is `ANALYSIS_NAME.rst`."""
    return figure(f"<results>/geometry/{analysis}/{name}", f"{analysis}_{name}", about, f"{name}_", figure=title)


def folder_of_figures(analysis, name, about, title):
    """A folder of figures of an analysis, whose caption is `ANALYSIS_NAME.rst`; `{figure}` in the title is their names."""
    path = directory(f"<results>/geometry/{analysis}/{name}")
    return {name: in_report(path, f"{analysis}_{name}", about, ["{figure}.png"], figure=title)}


def measured_by(analysis):
    """The tables of an analysis of the run's own network, by name; as a module the workflow may have a prefix."""
    folder = f"results/{config['run']}/"
    files = getattr(rules, analysis).output.items()
    return {name: f"<results>/{file.partition(folder)[2]}".replace("{network}", "") for name, file in files}


def written_by(analysis, name):
    """A file of an analysis; none where the analysis is not active."""
    return f"<results>/geometry/{analysis}/{name}" if analysis in ANALYSES else []
