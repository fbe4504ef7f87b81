"""Reading of the configuration: validation with short messages, defaults, and the files that a run reads."""

import hashlib
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema

from spikegeometry.errors import InputError
from spikegeometry.schema import explain, read_schema, read_text, with_defaults, with_own_files

SELECTIONS = ("layers", "heads")
# In place of a table of definitions: from the training split.
LEARN = "learn"
# Of files of genomes: of the format, and of a compression after it.
ENDINGS = re.compile(r"(\.(fasta|fas|fa|fna|ffn|txt))?(\.(gz|xz|zst|bz2|lzma|zip))?$", re.IGNORECASE)

# Letters of the name of a comparison, and the file that a run makes last.
LONGEST_NAME = 120
LAST_FILE = "atlas.html"


def load_config(given: dict) -> dict:
    """The configuration with every default filled in, checked against the schema and for sense.

    A source keeps only the block that its `type` names, and `{data}` in its paths is replaced by the key `data`.

    Raises InputError with two lines: the key and what is wrong, then what is allowed.
    """
    schema = read_schema()
    given = read_text(given, schema)
    errors = list(jsonschema.Draft202012Validator(schema).iter_errors(given))
    if errors:
        raise InputError(explain(jsonschema.exceptions.best_match(errors)))
    config = with_own_files(with_defaults(given, schema))
    _check_sense(config)
    background = config["source"].pop("background")
    config["source"] = _own_block(config["source"], config["data"])
    config["source"]["background"] = background and _own_block(background, config["data"])
    config["external"] = {name: _own_block(source, config["data"]) for name, source in config["external"].items()}
    return config


def sources(config: dict) -> dict[str, dict]:
    """All sources by their config keys."""
    background = config["source"]["background"]
    return (
        {"source": config["source"]}
        | ({"source.background": background} if background else {})
        | {f"external.{name}": source for name, source in config["external"].items()}
    )


def settings_of(block: dict, *keys: str) -> dict:
    """Settings of an analysis' block, those named or else all, but whether it is active.

    `classes` is called `selected_classes`, because all classes of the run are `classes`.
    """
    chosen = keys or [key for key in block if key != "activate"]
    return {"selected_classes" if key == "classes" else key: block[key] for key in chosen}


def uses_class_rules(source: dict) -> bool:
    """Whether the classes of a source's genomes come from rules on lineages and clades."""
    block = source[source["type"]]
    if source["type"] in ("table", "ena"):
        return block["labels"] is not None and block["class_column"] is None
    return source["type"] in ("gisaid", "nextstrain")


def source_paths(source: dict, config: dict) -> dict[str, str]:
    """Files that a source reads, by their config keys, those of its own block beginning with its type."""
    kind = source["type"]
    block = source[kind]
    own = {key: block[key] for key in ("founders", "labels", "accessions", "tree") if block.get(key)}
    own = {key: path for key, path in own.items() if "://" not in path}
    for key in ("sequences", "archives") if kind in ("table", "gisaid", "auspice", "query") else ():
        files = block.get(key) or []
        files = [files] if isinstance(files, str) else files
        named = files.items() if isinstance(files, dict) else enumerate(files)
        own |= {f"{key}.{name}": path for name, path in named}
    shared = {"reference.fasta": config["reference"]["fasta"]} if kind in ("simulate", "auspice") else {}
    if uses_class_rules(source):
        shared |= {f"class_rules.{key}": path for key, path in config["class_rules"].items()}
    return {f"{kind}.{key}": path for key, path in own.items()} | shared


def query_name(path: str, answers: str | os.PathLike) -> str:
    """Name of the folder of the answers for a file of genomes to classify, in the folder of all: the file's, without
    its endings.

    Where letters have to be replaced, or the folder holds the answers for another file (its `query.txt` says which),
    some digits of a digest keep them apart.
    """
    stem = ENDINGS.sub("", Path(path).name)
    name = re.sub(r"[^A-Za-z0-9._-]", "_", stem)
    if name != stem or not name.strip("."):
        name = f"{name.strip('.')}_{_short_digest(stem)}"
    owner, place = Path(answers, name, "query.txt"), os.path.abspath(path)
    taken = owner.is_file() and owner.read_text(encoding="utf-8") != place
    return f"{name}_{_short_digest(place)}" if taken else name


def comparison_name(runs: list[str]) -> str:
    """Name of the folder of a comparison: the runs' names, with some digits of a digest where it cannot be these."""
    name = "+".join(re.sub(r"[^A-Za-z0-9._-]", "_", run) for run in runs)
    if name == "+".join(runs) and len(name) <= LONGEST_NAME:
        return name
    return f"{name[:LONGEST_NAME].strip('.')}_{_short_digest('/'.join(runs))}"


def check_runs(runs: list[str], results: str | os.PathLike = "results") -> None:
    """Raise InputError, in one line, where `runs` are not the names of two or more finished runs in `results`."""
    finished = sorted(path.parent.name for path in Path(results).glob(f"*/{LAST_FILE}"))
    twice = next((run for number, run in enumerate(runs) if run in runs[:number]), None)
    absent = next((run for run in runs if run not in finished), None)
    if absent is not None:
        begun = Path(results, absent).is_dir()
        wrong = f"the run {absent} is not finished (no {LAST_FILE})" if begun else f"there is no run {absent}"
    elif twice is not None:
        wrong = f"the run {twice} is named twice"
    elif len(runs) < 2:
        wrong = "a comparison needs two runs or more"
    else:
        return
    raise InputError(f"Config key runs: {wrong}. Finished runs in {results}: {', '.join(finished) or 'none'}.")


def _short_digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def check_files(config: dict) -> None:
    """Raise InputError, naming the config key, where a file that the run reads is not there."""
    keys = ("fasta", "annotation", "domains", "regions")
    files = {f"reference.{key}": path for key in keys if (path := config["reference"][key])}
    image = config["container"]
    # An image may be a folder.
    if image and "://" not in image and not os.path.isdir(image):
        files["container"] = image
    if config["query"]:
        # A finished model answers where the genomes that it was made from are not.
        files["query"] = config["query"]
    # Finished runs are compared where neither their genomes nor their models are.
    reads = not config["query"] and not config["runs"]
    for key, source in sources(config).items() if reads else ():
        for name, path in source_paths(source, config).items():
            files[f"{key}.{name}" if name.startswith(f"{source['type']}.") else name] = path
    if reads:
        definitions = config["analyses"]["attributions"]["definitions"]
        files |= {"analyses.attributions.definitions": definitions} if definitions not in (None, LEARN) else {}
        if measurements := config["analyses"]["in_silico_mutagenesis"]["measurements"]:
            files["analyses.in_silico_mutagenesis.measurements"] = measurements
        _check_base(config["model"]["base"])
    for key, path in files.items():
        if not os.path.isfile(path):
            raise InputError(f"Config key {key}: no file {path}.\nGive a path from {os.getcwd()}, or an absolute one.")


def is_hub_name(name: str) -> bool:
    """Whether a model's name is one of the hub: it has one slash at most, and no folder of its first part is here."""
    return not (name.startswith((".", "/", "~")) or name.count("/") > 1 or os.path.isdir(name.split("/")[0]))


def _check_base(base: str) -> None:
    """Raise InputError where `model.base` names a folder of this machine that is not there, or that holds no model."""
    if base == "pretrain" or is_hub_name(base):
        return
    if not os.path.isfile(os.path.join(base, "config.json")):
        raise InputError(
            f"Config key model.base: no config.json in {base}.\n"
            f"Give the folder of a model, by a path from {os.getcwd()} or an absolute one."
        )


def _own_block(source: dict, data: str) -> dict:
    """The source with the one block that its type names, and its paths made whole."""

    def whole(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("{data}", data)
        if isinstance(value, list):
            return [whole(item) for item in value]
        if isinstance(value, dict):
            return {key: whole(item) for key, item in value.items()}
        return value

    block = dict(source[source["type"]])
    for key in ("founders", "sequences", "labels", "accessions", "archives", "feed", "base_url", "tree"):
        if key in block:
            block[key] = whole(block[key])
    return {"type": source["type"], source["type"]: block}


def _check_sense(config: dict) -> None:
    """What the schema cannot say: relations between keys."""

    def refuse(key: str, wrong: str, remedy: str) -> None:
        raise InputError(f"Config key {key}: {wrong}.\n{remedy}")

    for key, source in sources(config).items():
        kind = source["type"]
        if kind not in source:
            refuse(key, f"the type is {kind} but the block {key}.{kind} is missing", f"Add {key}.{kind}.")
        if kind == "table" and not isinstance(source["table"]["sequences"], dict) and not source["table"]["labels"]:
            refuse(
                f"{key}.table.labels",
                "a table of names and classes is needed",
                f"Name one, or map each class to its file in {key}.table.sequences.",
            )
        block = source[kind]
        if kind == "auspice" and not block["tree"] and not config["reference"]["dataset"]:
            refuse(
                f"{key}.auspice.tree", "no tree is named", "Name one, or a dataset that has one (reference.dataset)."
            )
        by_columns = kind in ("table", "ena") and uses_class_rules(source)
        if by_columns and not (block["lineage_column"] or block["clade_column"]):
            refuse(
                f"{key}.{kind}.class_column",
                "without it nothing gives classes",
                "Name the column of the classes, or one that class rules read: lineage_column, clade_column.",
            )
        if kind == "gisaid" and bool(block["feed"]) == bool(block["archives"]):
            refuse(f"{key}.gisaid", "it needs a feed or archives, and not both", "Give feed.url, or archives.")
        if kind == "gisaid" and block["feed"] and not block["accessions"]:
            refuse(f"{key}.gisaid.accessions", "a feed is read for the genomes of a list", "Name a list of accessions.")
        url = (block.get("feed") or {}).get("url") or block.get("base_url") or ""
        if "@" in urlsplit(url).netloc:
            refuse(
                f"{key}.{kind}",
                "an address holds a user name or password",
                "Remove it: environment variables hold them (feed.user_variable, feed.password_variable).",
            )
    if config["model_folder"] and not config["query"]:
        refuse("model_folder", "it answers for genomes, and none are named", "Name them: --config query=my.fasta")
    restricted = [
        key for key in ("source", "source.background") if sources(config).get(key, {}).get("type") == "gisaid"
    ]
    if config["publish"]["training_sequences"] and restricted:
        refuse(
            "publish.training_sequences",
            f"{restricted[0]} is GISAID, whose terms forbid to pass sequences on",
            "Leave it out: answers come without the nearest training sequence.",
        )
    start, end = config["reference"]["start"], config["reference"]["end"]
    if end < start + config["dataset"]["k"] - 1:
        refuse("reference.end", f"{end} leaves no k-mer after reference.start = {start}", "Give the gene's last base.")
    if config["cleaning"]["min_length"] > config["cleaning"]["max_length"]:
        refuse("cleaning.min_length", "it is more than cleaning.max_length", "No genome could pass: lower it.")
    if 2 * config["alignment"]["tile_overlap"] >= config["alignment"]["tile_length"]:
        refuse(
            "alignment.tile_overlap", "tiles overlap by half or more", "Give less than half of alignment.tile_length."
        )
    if config["split"]["validation"] + config["split"]["test"] >= 1:
        refuse("split.test", "with split.validation it leaves nothing to train on", "Keep their sum under 1.")
    shape = config["model"]["architecture"]
    if shape["hidden_size"] % shape["heads"]:
        refuse(
            "model.architecture.heads",
            f"{shape['heads']} heads do not divide hidden_size = {shape['hidden_size']}",
            "Choose a divisor.",
        )
    gpus = config["model"]["gpus"]
    for phase in ("pretrain", "finetune"):
        size = config["model"][phase]["batch_size"]
        if size % gpus:
            refuse(f"model.{phase}.batch_size", f"{size} is no multiple of model.gpus = {gpus}", "Give one that is.")
    for name in config["model"]["replicates"]:
        if name not in config["model"]["controls"]:
            refuse("model.replicates", f"{name} is no control", "Name it in model.controls too.")
    # The shape of a model that is read from elsewhere is known only when it is there; the scripts check it then.
    built = config["model"]["base"] == "pretrain"
    for name, block in config["analyses"].items():
        for kind in SELECTIONS if built else ():
            beyond = [number for number in block.get(kind, []) if number > shape[kind]]
            if beyond:
                refuse(
                    f"analyses.{name}.{kind}",
                    f"{beyond[0]} does not exist",
                    f"The model has {kind} 1 to {shape[kind]} (model.architecture.{kind}).",
                )
        for label in block.get("classes", []):
            if label not in config["classes"]:
                refuse(f"analyses.{name}.classes", f"no class {label}", f"Classes: {', '.join(config['classes'])}.")
    for own, other in config["analyses"]["mutation_patching"]["pairs"]:
        if own not in config["classes"] or other not in [*config["classes"], "reference"] or own == other:
            refuse(
                "analyses.mutation_patching.pairs",
                f"{own}, {other} is no pair of a class and another or `reference`",
                f"Classes: {', '.join(config['classes'])}.",
            )
