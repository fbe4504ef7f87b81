"""A model as it is passed on: what is in its folder, and what a folder that comes from others must hold.

A published folder is a Hugging Face model with what answers need beside it. `spikegeometry.json` has the form's number,
the part of the configuration that answers depend on, and the SHA-256 of each file. Snakemake reads such a folder before
it makes any environment, so that here are no packages but its own.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from spikegeometry.errors import InputError, writing

FORMAT = 1
SETTINGS, CARD = "spikegeometry.json", "README.md"
MODEL = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt")
REFERENCE = "reference.fasta"
KNOWN = "known.parquet"
BESIDE = ("abstention.json", "class_space.safetensors", "about.json")
NEEDED = (*MODEL, *BESIDE, REFERENCE)
# What decides the last digits of answers, which another machine may have to say otherwise.
OF_MACHINE = ["model.threads", "model.precision", "inference.batch_size", "inference.shards"]
# What answers depend on.
KEYS = [
    *("run", "classes", "cleaning", "spikes"),
    *(f"reference.{key}" for key in ("gene", "start", "end")),
    *(f"dataset.{key}" for key in ("k", "stride", "coordinates")),
    *(f"alignment.{key}" for key in ("tile_length", "tile_overlap", "preset")),
    *OF_MACHINE,
]


def settings_of_answers(config: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a complete configuration that answers depend on."""
    found: dict[str, Any] = {}
    for key in KEYS:
        *blocks, last = key.split(".")
        source, target = config, found
        for block in blocks:
            source, target = source[block], target.setdefault(block, {})
        target[last] = deepcopy(source[last])
    return found


def write_published(files: Mapping[str, str | Path], settings: dict[str, Any], folder: str | Path) -> None:
    """Copy files, by their names in the folder, and write the settings of answers with the digest of each.

    The card has no digest: whoever uploads the folder may add to it.
    """
    folder = Path(folder)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, path in files.items():
            shutil.copyfile(path, folder / name)
        digests = {name: file_digest(folder / name) for name in sorted(files) if name != CARD}
        text = json.dumps({"format": FORMAT, "config": settings, "files": digests}, indent=1, sort_keys=True)
        (folder / SETTINGS).write_text(text + "\n", encoding="utf-8")


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_published(folder: Path) -> dict[str, Any]:
    """What `write_published` wrote beside the files of a folder, which is checked as far as its texts say.

    Raises InputError where the form is another one, a file is missing (weights are read from safetensors alone), and
    where classes, vocabulary or the network are not those of the settings, whose values the schema checks later.
    """
    try:
        found = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        if found["format"] != FORMAT:
            raise refusal(folder, f"has the form {found['format']}, of which this version knows only {FORMAT}")
        found = {"config": settings_of_answers(found["config"]), "files": dict(found["files"])}
        absent = [name for name in NEEDED if name not in found["files"] or not (folder / name).is_file()]
        if absent:
            raise refusal(folder, f"lacks {', '.join(absent)}")
        if unknown := sorted(found["files"].keys() - {*NEEDED, KNOWN}):
            raise refusal(folder, f"names files that are none of a model: {', '.join(unknown)}")
        model, rule, about = (_read(folder / name) for name in ("config.json", "abstention.json", "about.json"))
        tokens = (folder / "vocab.txt").read_text(encoding="ascii").split()
        _check(folder, found["config"], model, rule["classes"], about, tokens)
    except FileNotFoundError:
        raise refusal(folder, f"has no {SETTINGS}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise refusal(folder, f"cannot be read: {type(error).__name__} {error}") from error
    return found


def check_digests(folder: Path, digests: Mapping[str, str]) -> None:
    """Raise InputError where a file is not the one that was published."""
    for name, expected in digests.items():
        if not (folder / name).is_file() or file_digest(folder / name) != expected:
            raise refusal(folder, f"is not as it was published: {name} is missing, cut or another")


def _check(folder: Path, settings: dict, model: dict, of_rule: list, about: dict, tokens: list[str]) -> None:
    classes, dataset, gene = settings["classes"], settings["dataset"], settings["reference"]
    of_model = [model["id2label"][str(number)] for number in range(len(model["id2label"]))]
    for name, own in (("config.json", of_model), ("abstention.json", of_rule), ("about.json", about["classes"])):
        if own != classes:
            raise refusal(folder, f"has the classes {', '.join(classes)}, and in {name} {', '.join(map(str, own))}")
    if model["model_type"] != "bert" or "auto_map" in model:
        raise refusal(folder, "is of another network than BERT, or wants code of its own to be run, which never is")
    if len(tokens) != model["vocab_size"] or len(tokens[-1]) != dataset["k"]:
        raise refusal(
            folder,
            f"has {len(tokens)} tokens, the last one of {len(tokens[-1])} letters, in vocab.txt, where "
            f"{model['vocab_size']} with k-mers of {dataset['k']} are due",
        )
    longest = (gene["end"] - gene["start"] + 1 - dataset["k"]) // dataset["stride"] + 3
    if longest > model["max_position_embeddings"]:
        raise refusal(folder, f"reads {model['max_position_embeddings']} tokens, and its gene has {longest}")


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def refusal(folder: Path, wrong: str) -> InputError:
    """The error that a folder cannot serve."""
    return InputError(
        f"Config key model_folder: {folder} {wrong}.\nGive a folder that `snakemake publish` made, whole and unchanged."
    )
