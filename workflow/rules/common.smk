"""Configuration, wildcards and the helpers of the rules."""

import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))

from spikegeometry.config import check_files, load_config, source_paths
from spikegeometry.digest import digest
from spikegeometry.errors import InputError

try:
    complete = load_config(dict(config))
    check_files(complete)
except InputError as error:
    raise WorkflowError(str(error)) from None

# Changed in place, because Snakemake holds on to this object.
config.clear()
config.update(complete)

SPLITS = ["train", "validation", "test"]
EXTERNAL = sorted(config["external"])
MODELS = ["finetuned", *config["model"]["controls"]]
ANALYSES = [name for name, block in config["analyses"].items() if block["activate"]]


def shards(block):
    return [str(shard) for shard in range(config[block]["shards"])]


ALIGNMENT_SHARDS = shards("alignment")
INFERENCE_SHARDS = shards("inference")
ACTIVATION_SHARDS = shards("activations")


wildcard_constraints:
    # A cohort is a folder prefix: empty for the run's own genomes.
    cohort="|".join(["", *(f"external/{name}/" for name in EXTERNAL)]),
    shard=r"\d+",
    split="|".join(SPLITS + EXTERNAL),
    set="|".join(["validation", "test", *EXTERNAL]),
    model="|".join(["pretrained", *MODELS]),
    analysis="|".join(ANALYSES) or "none",


def cohort_of(split):
    return f"external/{split}/" if split in EXTERNAL else ""


def spikes_of(wildcards):
    """Gene sequences of the cohort that a split or external set belongs to."""
    return f"<results>/{cohort_of(wildcards.split)}spikes/spikes.parquet"


def source_of(wildcards):
    """Config block of the cohort's source."""
    if wildcards.cohort:
        return config["external"][wildcards.cohort.split("/")[1]]
    return config["source"]


def source_files(wildcards):
    """Files that the cohort's source reads."""
    return list(source_paths(source_of(wildcards), config["reference"]["fasta"]).values())
