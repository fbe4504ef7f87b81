"""The source `auspice`: the tips of a tree in Auspice's JSON, version 2, with their genomes rebuilt from its mutations.

Snakemake reads this before it makes any environment, so that here are no packages but its own.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from fnmatch import fnmatchcase
from itertools import count
from pathlib import Path
from typing import NamedTuple

from spikegeometry.errors import InputError

ADVICE = "Give a tree in Auspice's JSON, version 2, as Nextclade datasets and Nextstrain have it."
MUTATION = re.compile(r"([A-Za-z-])([1-9]\d*)([A-Za-z-])")
CALL_IT = "Say there what each is called, as in `A/1: A1`."
UNASSIGNED = {"", "unassigned", "unknown", "?", "none", "NA"}


class Tip(NamedTuple):
    """A tip of a tree: name, attributes by key, genome with its gaps, and why that is not known, if it is not."""

    name: str
    attributes: dict[str, str]
    sequence: str
    problem: str


def read_tree(path: str | os.PathLike, name: str = "") -> dict:
    """The JSON of a tree, plain or compressed, with the root sequence that may stand in a file of its own beside it.

    That of `tree.json` is called `tree_root-sequence.json`. Raises InputError where the JSON is no tree of version 2,
    or has no mutations. `name` is what messages call the file, if not by its path.
    """
    where = name or f"{path}"
    try:
        text = _read_bytes(path)
        found = json.loads(text)
    except OSError as error:
        raise InputError(f"{where} cannot be read ({error.strerror or error}).\n{ADVICE}") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        kind = "a web page" if text.lstrip()[:1] == b"<" else "no JSON"
        raise InputError(f"{where} is {kind} ({error}).\n{ADVICE}") from error
    if not isinstance(found, dict) or not isinstance(found.get("tree"), dict) or "meta" not in found:
        first = isinstance(found, dict) and ("strain" in found or "children" in found)
        raise InputError(f"{where} is {'a tree of version 1' if first else 'no tree of Auspice'}.\n{ADVICE}")
    if not any(_mutations(node) for node, _ in _walk(found["tree"])):
        raise InputError(f"{where} has no mutations of nucleotides on its branches.\n{ADVICE}")
    beside = Path(str(path).removesuffix(".json") + "_root-sequence.json")
    if "root_sequence" not in found and beside.is_file():
        found["root_sequence"] = json.loads(beside.read_text(encoding="utf-8"))
    return found


def _read_bytes(path: str | os.PathLike) -> bytes:
    with open(path, "rb") as file:
        magic = file.read(6)
    if not magic.startswith((b"\x1f\x8b", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")):
        with open(path, "rb") as file:
            return file.read()
    # What Snakemake has by itself reads plain files; the rest comes with the environments.
    from spikegeometry.genomes.compression import open_decompressed

    with open_decompressed(path) as file:
        return file.read()


def _walk(root: dict) -> Iterator[tuple[dict, int]]:
    """The nodes, each before its children and with the number of its parent among them, -1 for the root.

    A loop, because trees are deeper than Python calls itself.
    """
    waiting = [(root, -1)]
    for number in count():
        if not waiting:
            return
        node, parent = waiting.pop()
        yield node, parent
        waiting.extend((child, number) for child in reversed(_children(node)))


def _children(node: dict) -> list[dict]:
    return node.get("children") or []


def _mutations(node: dict) -> list[str]:
    return (node.get("branch_attrs") or {}).get("mutations", {}).get("nuc") or []


def _attributes(node: dict) -> dict[str, str]:
    """Attributes of a node as texts."""
    found = {}
    for key, value in (node.get("node_attrs") or {}).items():
        value = value.get("value") if isinstance(value, dict) else value
        if isinstance(value, str | int | float):
            found[key] = str(value)
    return found


def tip_values(tree: dict, key: str, path: str | os.PathLike) -> list[str]:
    """The value of an attribute of each tip, empty where it has none. InputError where no tip has it."""
    tips = [_attributes(node) for node, _ in _walk(tree["tree"]) if not _children(node)]
    if not any(key in tip for tip in tips):
        there = [entry["key"] for entry in tree["meta"].get("colorings", []) if entry.get("key") not in (None, "gt")]
        raise InputError(
            f"Config key source.auspice.class_by: no tip of {path} has {key}.\nIt has: {', '.join(there) or 'none'}."
        )
    return [tip.get(key, "") for tip in tips]


def class_names(values: Iterable[str], renamed: dict[str, str]) -> list[str]:
    """The class of each value: its own name, or what `renamed` says of it or of a pattern with `*`; else empty.

    The longest pattern that fits counts. Letters that a class cannot have become `-`. Raises InputError where two
    values would become one class by that, or a value nothing: only the configuration may say so.
    """
    patterns = sorted(renamed, key=len, reverse=True)
    names: dict[str, str] = {}
    made: dict[str, str] = {}
    for value in sorted(set(values)):
        if value.strip() in UNASSIGNED:
            names[value] = ""
            continue
        pattern = next((one for one in patterns if one == value or fnmatchcase(value, one)), None)
        if pattern:
            names[value] = renamed[pattern]
            continue
        name = names[value] = re.sub(r"[^A-Za-z0-9_.-]+", "-", value).strip("-.")
        if not name and any(map(str.isalnum, value)):
            raise InputError(f"Config key auspice.classes: {value} has no letter that a class can have.\n{CALL_IT}")
        if name and made.setdefault(name, value) != value:
            both = f"{made[name]} and {value} of the colouring would both be the class {name}"
            raise InputError(f"Config key auspice.classes: {both}.\n{CALL_IT}")
    return [names[value] for value in values]


def subtrees(tree: dict, names: list[str], largest: float) -> list[str]:
    """For each tip, in their order, the subtree that it is held out with: the name of the subtree's first node.

    A subtree is as large as may be with at most the share `largest` of the tips of a class; `names` are their classes.
    """
    nodes = list(_walk(tree["tree"]))
    tips = [number for number, (node, _) in enumerate(nodes) if not _children(node)]
    counts: list[Counter[str]] = [Counter() for _ in nodes]
    for number, name in zip(tips, names, strict=True):
        counts[number][name] = 1
    for number in reversed(range(1, len(nodes))):
        counts[nodes[number][1]].update(counts[number])
    most = {name: max(1, int(largest * n)) for name, n in counts[0].items()}
    groups: list[dict[str, str]] = []
    for number, (node, parent) in enumerate(nodes):
        above = groups[parent] if number else {}
        new = [name for name, n in counts[number].items() if name not in above and n <= most[name]]
        groups.append(above | dict.fromkeys(new, str(node.get("name", number))) if new else above)
    return [groups[number][name] for number, name in zip(tips, names, strict=True)]


def read_tips(tree: dict, reference: str) -> Iterator[Tip]:
    """Every tip with its genome, in the order of the tree.

    The genome of the root is the tree's own root sequence, or else the `reference`. Mutations are `A123G`, 1-based; `-`
    and N stand as given. A branch whose mutation names another base than its parent has, or a place beyond the genome,
    spoils the tips behind it.
    """
    root = (tree.get("root_sequence") or {}).get("nuc") or reference
    sequence = bytearray(root.upper().encode("ascii", "replace"))
    # The branches from the root to the node, each with what it replaced and what is wrong with it or one before it.
    path: list[tuple[int, list[tuple[int, int]], str]] = []
    for number, (node, parent) in enumerate(_walk(tree["tree"])):
        while path and path[-1][0] != parent:
            for place, base in reversed(path.pop()[1]):
                sequence[place] = base
        replaced, problem = _mutate(sequence, _mutations(node))
        path.append((number, replaced, (path[-1][2] if path else "") or problem))
        if not _children(node):
            yield Tip(str(node.get("name", "")), _attributes(node), sequence.decode(), path[-1][2])


def _mutate(sequence: bytearray, mutations: list[str]) -> tuple[list[tuple[int, int]], str]:
    """Put the mutations of a branch into a sequence; what was there, and what is wrong with them."""
    replaced, problem = [], ""
    for text in mutations:
        match = MUTATION.fullmatch(str(text))
        place = int(match[2]) - 1 if match else -1
        if match is None or place >= len(sequence):
            problem = problem or f"{text} is no mutation of a genome of {len(sequence)} bases"
            continue
        old, new = match[1].upper(), match[3].upper()
        if sequence[place] != ord(old):
            problem = problem or f"{text} contradicts the branch above, which has {chr(sequence[place])} there"
        replaced.append((place, sequence[place]))
        sequence[place] = ord(new)
    return replaced, problem


def collection_date(attributes: dict[str, str]) -> str:
    """The date of collection as YYYY-MM-DD, XX for what is not known, from a date or from a year with a fraction."""
    for key in ("date", "num_date"):
        value = attributes.get(key, "")
        if re.fullmatch(r"\d{4}(-[\dX]{2}){0,2}", value):
            return value
        if re.fullmatch(r"\d{4}\.\d+", value):
            year = int(float(value))
            days = (date(year + 1, 1, 1) - date(year, 1, 1)).days
            return (date(year, 1, 1) + timedelta(days=int((float(value) - year) * days))).isoformat()
    return attributes.get("date", "")
