"""Collection of small sources for tests: what is accepted, and what is rejected and why."""

import copy
import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

from spikegeometry.config import uses_class_rules
from spikegeometry.genomes.collect import collect_genomes
from spikegeometry.genomes.fasta import read_fasta
from spikegeometry.schema import read_schema, with_defaults

CLASSES = ["alpha", "delta", "omicron"]
LINEAGES = {"alpha": ["B.1.1.7", "Q.1", "Q.2"], "delta": ["AY.1", "AY.2", "AY.3"], "omicron": ["BA.1", "BA.2", "XE"]}
# Nine genomes, three of each class, with their lineages.
GENOMES = [(name, lineage) for name in CLASSES for lineage in LINEAGES[name]]


RULES = {"rules": "class_rules.tsv", "aliases": "pango_aliases.json"}


class Collected(NamedTuple):
    """Rows of the tables of a collection, and the sequences of the accepted genomes by name."""

    accepted: list[dict[str, str]]
    rejected: list[dict[str, str]]
    sequences: dict[str, str]

    def classes(self) -> dict[str, str]:
        return {row["accession"]: row["class"] for row in self.accepted}

    def reasons(self) -> list[tuple[str, str]]:
        return [(row["accession"], row["reason"]) for row in self.rejected]


def sequence(number: int) -> str:
    """Nine bases that no other number has."""
    return "".join("ACGT"[number // 4**power % 4] for power in range(9))


def fasta(names: list[str], first: int = 0) -> str:
    """A record with its own sequence for each header, numbered from `first`."""
    return "".join(f">{name}\n{sequence(number)}\n" for number, name in enumerate(names, first))


def write(folder: Path, **contents: str | bytes) -> dict[str, str]:
    """Write files of bytes or text; their paths by name, in which a `_` of the keyword is a dot."""
    paths = {}
    for name, content in contents.items():
        path = folder / name.replace("_", ".")
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        paths[name] = str(path)
    return paths


def read_table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", strict=True))


@cache
def _defaults(kind: str) -> dict:
    """The block of a kind of source with its defaults."""
    kinds = read_schema()["properties"]["source"]["properties"]
    return with_defaults({}, kinds[kind]) if kind in kinds else {}


def collect(folder: Path, source: dict, key: str = "external.set", classes: list[str] = CLASSES) -> Collected:
    """Collect the genomes of a source's block `{type: block}`, as an external set unless said otherwise."""
    ((kind, block),) = source.items()
    source = {"type": kind, kind: copy.deepcopy(_defaults(kind)) | block}
    rules = kind != "query" and uses_class_rules(source)
    root = Path(__file__).parents[2]
    out = folder / "out"
    collect_genomes(
        source=source,
        key=key,
        reference="none: only simulated sources read it",
        cleaning={"min_length": 5, "max_length": 40, "max_n_fraction": 0.5},
        classes=classes,
        class_rules={name: root / f"resources/{path}" for name, path in RULES.items()} if rules else None,
        network={"cache": folder / "cache", "retries": 1, "backoff": 0.01, "timeout": 2, "per_second": 1000},
        seed=1,
        fasta=out / "accepted.fasta.zst",
        accepted=out / "accepted.tsv",
        rejected=out / "rejected.tsv",
        counts=out / "counts.tsv",
        unusable=folder / "unusable.tsv",
    )
    accepted, rejected = (read_table(out / f"{name}.tsv") for name in ("accepted", "rejected"))
    sequences = {}
    if accepted:
        sequences = {record.name: record.sequence for record in read_fasta(out / "accepted.fasta.zst")}
    assert list(sequences) == [row["accession"] for row in accepted]
    counts = read_table(out / "counts.tsv")
    assert sum(int(row["n"]) for row in counts) == len(accepted) + len(rejected)
    return Collected(accepted, rejected, sequences)
