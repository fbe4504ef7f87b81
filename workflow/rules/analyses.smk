"""What the rules of the analyses share: the network that is measured, settings, and figures."""

# Models whose weights are compared. The first is the one that changes are measured from.
COMPARED = ["pretrained", *MODELS]


def network_name(wildcards):
    """Name of the model that is measured: the run's own, or a replicate."""
    return Path(wildcards.network).name or "finetuned"


def network_model(wildcards):
    """Folder of the model that is measured."""
    return f"<results>/model/{network_name(wildcards)}"


# What analyses read of a network: its weights, and its activations on a sample of the test split.
RECORDED = {
    "model": network_model,
    "sequences": "<results>/{network}activations/sequences.tsv",
    "hidden_states": "<results>/{network}activations/hidden_states.npy",
    "tokens": "<results>/{network}activations/tokens.npy",
}


def settings(analysis, *keys):
    """Settings of an analysis as params: those named, else all."""
    return settings_of(config["analyses"][analysis], *keys)


def of_run(*names):
    """Values that several analyses take from the configuration, as params."""
    return {name: lookup(RUN_VALUES[name], within=config) for name in names}


def figure(analysis, title):
    """The two files of an analysis' figure, of which the report shows one."""
    png = report(
        f"<results>/geometry/{analysis}.png",
        caption=f"{ROOT}/workflow/report/{analysis}.rst",
        category="5 Geometry",
        labels={"figure": title},
    )
    return {"png": png, "svg": f"<results>/geometry/{analysis}.svg"}


def written_by(analysis, name):
    """A file of an analysis; none where the analysis is not active."""
    return f"<results>/geometry/{analysis}/{name}" if analysis in ANALYSES else []
