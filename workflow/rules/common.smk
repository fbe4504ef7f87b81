"""Configuration, wildcards and the helpers of the rules."""

import os
import re
import sys
from functools import cache
from itertools import product
from pathlib import Path

from snakemake.exceptions import WorkflowError

# Where this file is: the workflow may be a module of another, and run in any folder.
ROOT = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parents[1]
SCRIPTS = ROOT / "workflow/scripts"
sys.path.insert(0, str(SCRIPTS))
# Jobs inherit it: another library of this name that is on the user's path stays behind ours.
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [str(SCRIPTS), os.getenv("PYTHONPATH")])))

from spikegeometry.cohorts import Cohorts
from spikegeometry.config import LEARN, check_files, check_runs, comparison_name, load_config, settings_of
from spikegeometry.digest import digest
from spikegeometry.errors import InputError
from spikegeometry.hub import with_published
from spikegeometry.genomes.nextclade import with_dataset
from spikegeometry.genomes.reference import fit_to_reference
from spikegeometry.published import BESIDE, CARD, KNOWN, NEEDED, REFERENCE, SETTINGS, settings_of_answers

try:
    complete = load_config(with_dataset(with_published(dict(config))))
    check_files(complete)
    if complete["runs"]:
        check_runs(complete["runs"])
    complete = fit_to_reference(complete)
except InputError as error:
    raise WorkflowError(str(error)) from None

# Changed in place, because Snakemake holds on to this object.
config.clear()
config.update(complete)

COHORTS = Cohorts(config)
EXTERNAL, EVALUATED, BACKGROUND, QUERY = COHORTS.external, COHORTS.evaluated, COHORTS.background, COHORTS.query
RUNS = config["runs"]
MODELS = ["finetuned", *config["model"]["controls"]]
# Controls of which all is measured that findings rest on.
REPLICATES = config["model"]["replicates"]
# `cuda` asks the scheduler for a GPU and takes the environment with the GPU build; `auto` takes the GPU it finds.
GPUS = int(config["model"]["device"] == "cuda")
TRAINING_GPUS = GPUS * config["model"]["gpus"]
# Each GPU has a process of its own.
TRAINING_THREADS = max(1, TRAINING_GPUS) * config["model"]["threads"]
TORCH = f"{ROOT}/envs/torch-gpu.yaml" if GPUS else f"{ROOT}/envs/torch.yaml"
# Outside the outputs, which Snakemake removes before a rerun: a killed training goes on from there. Written out,
# because pathvars are not replaced in params.
CHECKPOINTS = f"results/{config['run']}/checkpoints"
# Mutations that define the classes: a table of the user's, or learnt from the training split, or none.
DEFINITIONS = config["analyses"]["attributions"]["definitions"] or []
if DEFINITIONS:
    DEFINITIONS = "<results>/dataset/definitions.tsv" if DEFINITIONS == LEARN else local(DEFINITIONS)
# The tokens; answers read them in the model's folder, which is all that is needed.
VOCABULARY = "<results>/model/finetuned/vocab.txt" if QUERY else "<results>/dataset/vocabulary.txt"
if config["model_folder"]:
    VOCABULARY = local(f"{config['model_folder']}/vocab.txt")
ANALYSES = [name for name, block in config["analyses"].items() if block["activate"]]


digest_once = cache(digest)


def shards(block):
    return [str(shard) for shard in range(config[block]["shards"])]


ALIGNMENT_SHARDS = shards("alignment")
INFERENCE_SHARDS = shards("inference")
ACTIVATION_SHARDS = shards("activations")


wildcard_constraints:
    # A cohort is a folder prefix: empty for the run's own genomes.
    cohort=f"({'|'.join(map(re.escape, COHORTS.prefixes.values()))})?",
    shard=r"\d+",
    split="|".join(map(re.escape, COHORTS.splits)),
    set="|".join(EVALUATED),
    model="|".join(["pretrained", *MODELS]),
    replicate="|".join(REPLICATES) or "none",
    # What is measured of the run's own network is measured of its replicates too. The folder prefix says of which.
    network=f"(replicates/({'|'.join(REPLICATES)})/)?",
    analysis="|".join(ANALYSES) or "none",
