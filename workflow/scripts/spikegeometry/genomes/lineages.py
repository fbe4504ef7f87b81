"""Pango lineage names: aliases, descent and recombinants."""

import json
import os
from functools import cache
from pathlib import Path

from spikegeometry.errors import InputError


class UnknownLineage(ValueError):
    """A name that is no Pango lineage, or begins with letters that the table of aliases does not have."""


class Lineages:
    """Descent among Pango lineages, by a table of aliases (`alias_key.json` of cov-lineages/pango-designation).

    The table gives each letter prefix the lineage that it is short for, or, where it begins with X, the parents that
    the lineage is a recombinant of.
    """

    def __init__(self, aliases: dict[str, str | list[str]]):
        self._aliases = aliases
        self.expand = cache(self._expand)
        self.descends = cache(self._descends)

    def _expand(self, name: str) -> str:
        """The full name: AY.4 -> B.1.617.2.4. Names of recombinants and of their descendants go back to the X only.

        Raises UnknownLineage.
        """
        prefix, dot, numbers = name.partition(".")
        if prefix not in self._aliases or not all(number.isdecimal() for number in numbers.split(".") if dot):
            raise UnknownLineage(f"{name!r} is no Pango lineage of the table of aliases")
        whole = self._aliases[prefix]
        if not whole or isinstance(whole, list):
            return name
        return self.expand(whole) + dot + numbers

    def _descends(self, name: str, ancestor: str) -> bool:
        """Whether a lineage is the ancestor or descends from it, a recombinant where all its parents do.

        Raises UnknownLineage.
        """
        full, above = self.expand(name), self.expand(ancestor)
        if full == above or full.startswith(above + "."):
            return True
        parents = self._aliases[full.partition(".")[0]]
        return isinstance(parents, list) and all(self.descends(parent.rstrip("*"), ancestor) for parent in parents)


def read_lineages(path: str | os.PathLike, key: str) -> Lineages:
    """Read a table of aliases; `key` is its config key, for messages. Raises InputError where it is none."""
    try:
        aliases = json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} ({key}) is not JSON: {error}. Take alias_key.json of pango-designation.") from error
    valid = isinstance(aliases, dict) and all(
        isinstance(value, str) or (isinstance(value, list) and value and all(isinstance(item, str) for item in value))
        for value in aliases.values()
    )
    if not valid:
        raise InputError(f"{path} ({key}) does not map names to lineages. Take alias_key.json of pango-designation.")
    try:
        _check_ends(aliases)
    except UnknownLineage as error:
        raise InputError(f"{path} ({key}): {error}. Take alias_key.json of pango-designation.") from None
    return Lineages(aliases)


def _check_ends(aliases: dict[str, str | list[str]]) -> None:
    """Raise UnknownLineage where a name leads to one that the table lacks, or back to itself."""
    sound = set()

    def check(prefix: str, below: tuple[str, ...]) -> None:
        if prefix in sound:
            return
        if prefix not in aliases or prefix in below:
            lacks = "which it lacks" if prefix not in aliases else "which descends from itself"
            raise UnknownLineage(f"it has a lineage of {prefix!r}, {lacks}")
        whole = aliases[prefix]
        for parent in whole if isinstance(whole, list) else filter(None, [whole]):
            check(parent.partition(".")[0].rstrip("*"), (*below, prefix))
        sound.add(prefix)

    for prefix in aliases:
        check(prefix, ())
