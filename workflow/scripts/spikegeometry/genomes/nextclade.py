"""Nextclade datasets: a folder or a zip file that gives a run its reference, its gene and its labelled genomes.

Snakemake reads this before it makes any environment, so that here are no packages but its own.
"""

import hashlib
import json
import os
import re
import zipfile
from collections import Counter
from copy import deepcopy
from pathlib import Path
from typing import Any

from spikegeometry.config import LEARN
from spikegeometry.errors import InputError
from spikegeometry.genomes.annotation import find_gene, gene_names, read_annotation
from spikegeometry.genomes.auspice import class_names, read_tree, tip_values
from spikegeometry.schema import default_of, read_schema

PATHOGEN = "pathogen.json"
# Files of a dataset by the keys that pathogen.json has for them, and their usual names.
FILES = {
    "reference": "reference.fasta",
    "genomeAnnotation": "genome_annotation.gff3",
    "treeJson": "tree.json",
    "examples": "sequences.fasta",
}
KEY = "Config key reference.dataset"
MOST_BYTES = 1 << 30  # of one file of a zip
# Genomes of an unknown virus: accepted from a tenth of the reference's length to twice that.
SHORTEST, LONGEST = 0.1, 2


def with_dataset(given: dict) -> dict:
    """The configuration as given, with what a dataset and an annotation say where it says nothing.

    `reference.dataset` gives fasta, annotation and gene (`defaultCds`); `reference.annotation` the first and last base
    of the gene; a source of type `auspice` its tree, and the classes where none are named. What belongs to SARS-CoV-2
    by default (domains, regions, definitions, lengths) is left to the annotation and the data.

    Raises InputError where a file, the gene or the colouring is missing. What is no mapping is left to the check of the
    whole configuration.
    """
    if not isinstance(given.get("reference"), dict | None) or not isinstance(given.get("source"), dict):
        return given
    given = deepcopy(given)
    reference = given.setdefault("reference", {}) or {}
    for key in ("dataset", "annotation", "fasta"):
        if isinstance(reference.get(key), str):
            reference[key] = _whole(reference[key], given)
    if isinstance(reference.get("dataset"), str):
        _fill_from_dataset(given, reference)
    if isinstance(reference.get("annotation"), str):
        _fill_from_annotation(given, reference)
    _name_classes(given)
    return given


def _whole(path: str, given: dict) -> str:
    return path.replace("{data}", str(given.get("data", default_of("data"))))


def _fill_from_dataset(given: dict, reference: dict) -> None:
    folder = dataset_folder(reference["dataset"], given)
    pathogen = _read_pathogen(folder)
    names = {key: pathogen.get("files", {}).get(key) or usual for key, usual in FILES.items()}
    # Only names: a path in pathogen.json leads nowhere.
    paths = {key: folder / Path(name).name for key, name in names.items()}
    for key in ("reference", "genomeAnnotation"):
        if not paths[key].is_file():
            raise InputError(f"{KEY}: no {paths[key].name} in {folder}.\nA dataset has {', '.join(FILES.values())}.")
    reference.setdefault("fasta", str(paths["reference"]))
    reference.setdefault("annotation", str(paths["genomeAnnotation"]))
    if "gene" not in reference:
        if not pathogen.get("defaultCds"):
            genes = ", ".join(gene_names(read_annotation(reference["annotation"])))
            raise InputError(f"Config key reference.gene: {folder} has no defaultCds.\nName a gene: {genes}.")
        reference["gene"] = pathogen["defaultCds"]
    blocks = [given["source"], *_mappings(given.get("external"))]
    for source in blocks:
        if source.get("type") == "auspice":
            block = source.setdefault("auspice", {})
            block["tree"] = block.get("tree") or str(paths["treeJson"])
            if block.get("sequences") == "examples":
                block["sequences"] = str(paths["examples"])


def _mappings(blocks: object) -> list[dict]:
    return [one for one in blocks.values() if isinstance(one, dict)] if isinstance(blocks, dict) else []


def _read_pathogen(folder: Path) -> dict:
    try:
        found = json.loads((folder / PATHOGEN).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{KEY}: {folder / PATHOGEN} is no JSON ({error}).\nFetch the dataset again.") from error
    return found if isinstance(found, dict) else {}


def dataset_folder(dataset: str, given: dict) -> Path:
    """The folder of a dataset; of a zip file one in the cache, with the files that a dataset has and no others."""
    path = Path(dataset)
    if path.is_dir():
        return path
    if not path.is_file():
        raise InputError(f"{KEY}: no folder and no zip file {path}.\nGive a Nextclade dataset.")
    if not zipfile.is_zipfile(path):
        raise InputError(f"{KEY}: {path} is no zip file.\nGive a Nextclade dataset, as a folder or zipped.")
    network = given.get("network")
    named = network.get("cache") if isinstance(network, dict) else None
    cache = Path(named or default_of("network.cache"))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    folder = cache / "datasets" / f"{re.sub(r'[^A-Za-z0-9._-]', '_', path.stem)}-{digest}"
    if not (folder / FILES["reference"]).is_file():
        _unzip(path, folder)
    return folder


def _unzip(path: Path, folder: Path) -> None:
    """Write the files of a dataset into a folder under their own names, whatever paths the zip file gives them."""
    with zipfile.ZipFile(path) as archive:
        members: dict[str, zipfile.ZipInfo] = {}
        for member in archive.infolist():
            name = member.filename.rpartition("/")[2]
            if name in (PATHOGEN, *FILES.values()) and not member.is_dir():
                if name in members:
                    raise InputError(f"{KEY}: {path} has two files {name}.\nGive a zip file of one dataset.")
                members[name] = member
        missing = [name for name in (FILES["reference"], FILES["genomeAnnotation"]) if name not in members]
        if missing:
            raise InputError(f"{KEY}: no {missing[0]} in {path}.\nA dataset has {', '.join(FILES.values())}.")
        folder.mkdir(parents=True, exist_ok=True)
        # The reference comes last: where it is, all are.
        for name in sorted(members, key=lambda one: one == FILES["reference"]):
            if members[name].file_size > MOST_BYTES:
                raise InputError(f"{KEY}: {name} in {path} is too large.\nUnpack it, and name the folder.")
            partial = folder / f"{name}.{os.getpid()}"
            partial.write_bytes(archive.read(members[name]))
            partial.replace(folder / name)


def _fill_from_annotation(given: dict, reference: dict) -> None:
    path = Path(reference["annotation"])
    if not path.is_file():
        raise InputError(f"Config key reference.annotation: no file {path}.\nGive a path to an annotation in GFF3.")
    features = read_annotation(path)
    if not isinstance(reference.get("gene"), str):
        names = ", ".join(gene_names(features))
        raise InputError(f"Config key reference.gene: {path} has several genes.\nName one: {names}.")
    gene = find_gene(features, reference["gene"], path)
    reference |= {"start": gene.start, "end": gene.end}
    for key in ("domains", "regions"):
        reference.setdefault(key, None)
    attributions = given.setdefault("analyses", {}).setdefault("attributions", {})
    attributions.setdefault("definitions", LEARN)
    fasta = Path(str(reference.get("fasta", "")))
    if fasta.is_file():
        lines = fasta.read_text(encoding="utf-8-sig", errors="replace").splitlines()
        length = sum(len(line.strip()) for line in lines if not line.startswith(">"))
        cleaning = given.setdefault("cleaning", {})
        cleaning.setdefault("min_length", max(1, round(SHORTEST * length)))
        cleaning.setdefault("max_length", LONGEST * length)


def _name_classes(given: dict) -> None:
    """The classes of a tree of this machine that have enough tips, where the configuration names none."""
    source = given["source"]
    block = source.get("auspice")
    if source.get("type") != "auspice" or "classes" in given or not isinstance(block, dict):
        return
    tree = _whole(str(block.get("tree", "")), given)
    if "://" in tree:
        raise InputError("Config key classes: the tree is behind a URL.\nName the classes that the run has.")
    least = block.get("min_per_class", _default_of_auspice("min_per_class"))
    by = str(block.get("class_by", _default_of_auspice("class_by")))
    counts = Counter(class_names(tip_values(read_tree(tree), by, tree), block.get("classes") or {}))
    given["classes"] = sorted(name for name, n in counts.items() if name and n >= int(least))
    if len(given["classes"]) < 2:
        found = ", ".join(f"{name} {n}" for name, n in counts.most_common(8) if name)
        raise InputError(
            f"Config key source.auspice.class_by: fewer than two classes of {by} have {least} tips in {tree}.\n"
            f"It has: {found or 'none'}. Lower source.auspice.min_per_class, or choose another colouring."
        )


def _default_of_auspice(key: str) -> Any:
    return read_schema()["properties"]["source"]["properties"]["auspice"]["properties"][key]["default"]
