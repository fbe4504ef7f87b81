"""Founder genomes from published lists of mutations."""

import csv
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from spikegeometry.errors import InputError

COLUMNS = ("founder", "class", "mutations")
NOTATION = re.compile(
    r"(?P<expected>[ACGT])(?P<substituted>[1-9]\d*)(?P<base>[ACGT])"
    r"|del:(?P<deleted>[1-9]\d*):(?P<length>[1-9]\d*)"
    r"|ins:(?P<before>[1-9]\d*):(?P<inserted>[ACGT]+)"
)


@dataclass(frozen=True)
class Mutation:
    """Replacement of the reference bases start..end (0-based, end excluded) by other bases.

    A deletion has no replacement; an insertion replaces nothing (end = start). `expected` are the reference bases that
    a substitution names, else "".
    """

    text: str
    start: int
    end: int
    expected: str
    replacement: str


@dataclass(frozen=True)
class Founder:
    """A lineage that genomes descend from."""

    name: str
    class_name: str
    sequence: str


def parse_mutation(text: str) -> Mutation:
    """Read one mutation, in 1-based coordinates of the reference.

    `C241T` is a substitution, `del:21765:6` a deletion (first deleted base, number of bases), `ins:22204:GAGCCAGAA` an
    insertion (the base after which the new ones stand). Raises InputError for any other form.
    """
    match = NOTATION.fullmatch(text)
    if match is None or (match["base"] and match["base"] == match["expected"]):
        raise InputError(f"{text!r} is no mutation. Write C241T, del:21765:6 or ins:22204:GAGCCAGAA.")
    if match["substituted"]:
        position = int(match["substituted"])
        return Mutation(text, position - 1, position, match["expected"], match["base"])
    if match["deleted"]:
        start = int(match["deleted"]) - 1
        return Mutation(text, start, start + int(match["length"]), "", "")
    return Mutation(text, int(match["before"]), int(match["before"]), "", match["inserted"])


def apply_mutations(reference: str, mutations: Iterable[Mutation]) -> str:
    """The reference with all mutations, each given in coordinates of the reference, in any order.

    Raises InputError, naming the mutation, where it lies beyond the reference, names another base than the reference
    has, or touches bases that another mutation replaces.
    """
    parts = []
    done = 0
    previous: Mutation | None = None
    for mutation in sorted(mutations, key=lambda m: (m.start, m.end)):
        if mutation.end > len(reference):
            raise InputError(f"{mutation.text} lies beyond the end of the reference ({len(reference)} bases).")
        found = reference[mutation.start : mutation.end]
        if mutation.expected and found != mutation.expected:
            raise InputError(f"{mutation.text}: the reference has {found} there. Is it a list for this reference?")
        # Two insertions at one place are refused too: their order would be a guess.
        if previous and (mutation.start < done or (mutation.start, mutation.end) == (previous.start, previous.end)):
            raise InputError(f"{mutation.text} overlaps {previous.text}. Write them as one, or remove one.")
        parts += [reference[done : mutation.start], mutation.replacement]
        done, previous = mutation.end, mutation
    return "".join([*parts, reference[done:]])


def read_founders(path: str | os.PathLike, reference: str) -> list[Founder]:
    """Read a table of founders and build their genomes from the reference sequence.

    The table is tab-separated, with the columns founder, class and mutations (separated by spaces; none for the
    reference itself); others are ignored.

    Raises InputError naming the file, and the founder and mutation where it is one, where the table is broken or a
    founder stands in it twice.
    """
    founders = {}
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
            if missing:
                raise InputError(f"{path}: no column {missing[0]!r}. A table of founders has {', '.join(COLUMNS)}.")
            for row in rows:
                name, class_name, mutations = ((row[column] or "").strip() for column in COLUMNS)
                if not name or not class_name:
                    raise InputError(f"{path} line {rows.line_num}: the founder or its class is empty.")
                if name in founders:
                    raise InputError(f"{path} line {rows.line_num}: the founder {name} stands above already.")
                try:
                    sequence = apply_mutations(reference, map(parse_mutation, mutations.split()))
                except InputError as error:
                    raise InputError(f"{path}, founder {name}: {error}") from error
                founders[name] = Founder(name, class_name, sequence)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is no table of founders: {error}. It must be tab-separated text in UTF-8.") from error
    if not founders:
        raise InputError(f"{path} has a header but no founder.")
    return list(founders.values())
