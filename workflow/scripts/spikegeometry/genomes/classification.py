"""Classes of genomes by rules on what a database says of them: lineage, clade, variant."""

import csv
import os
import re
from typing import NamedTuple

from spikegeometry.errors import InputError
from spikegeometry.genomes.cleaning import Rejection
from spikegeometry.genomes.lineages import Lineages, UnknownLineage, read_lineages

COLUMNS = ("class", "by", "pattern")
PANGO = "pango"
# Of these a value that no rule matches is evidence for `other`: they give every genome a name of its own. GISAID's
# clades G, GH, ... hold several classes and others, and its variants name only some genomes.
EXHAUSTIVE = (PANGO, "nextstrain_clade")
KINDS = (*EXHAUSTIVE, "gisaid_clade", "gisaid_variant")
# What databases write where nothing was assigned.
UNASSIGNED = frozenset(["", "none", "unassigned", "unclassifiable", "?", "na", "n/a", "nan", "unknown"])
OTHER = "other"


class Labelled(NamedTuple):
    """The class of a genome, and the rule that gave it (kind:pattern, joined by ';' where several agree)."""

    class_name: str
    rule: str


class ClassRules:
    """Rules from Pango lineages, Nextstrain clades and GISAID's clades and variants to classes.

    Of several lineage patterns that match, the most specific decides; `NAME*` is a lineage and its descendants, `NAME`
    it alone. Patterns of the other kinds are regular expressions for the whole value.
    """

    def __init__(self, rules: list[tuple[str, str, str]], lineages: Lineages):
        """`rules` are tuples of class, kind and pattern. Raises InputError for a pattern that means nothing."""
        self._lineages = lineages
        self._rules = {kind: [(name, pattern) for name, by, pattern in rules if by == kind] for kind in KINDS}
        for _, pattern in self._rules[PANGO]:
            try:
                lineages.expand(pattern.rstrip("*"))
            except UnknownLineage as error:
                raise InputError(f"The class rule {pattern}: {error}.") from None

    def classify(self, fields: dict[str, str]) -> Labelled | Rejection:
        """The class by the fields `pango`, `nextstrain_clade`, `gisaid_clade`, `gisaid_variant` that are there.

        Rejected where they contradict each other, or none says anything.
        """
        opinions, unknown = [], ""
        for kind, value in fields.items():
            value = value.strip()
            if value.lower() in UNASSIGNED:
                continue
            try:
                name, pattern = self._match(kind, value)
            except UnknownLineage as error:
                unknown = f"{error}; a newer alias_key.json may have it (config key class_rules.aliases)."
                continue
            if name or kind in EXHAUSTIVE:
                opinions.append((name or OTHER, f"{kind}:{pattern or value}", f"{kind} {value}"))
        names = {name for name, _, _ in opinions}
        if len(names) > 1:
            said = ", ".join(f"{value} says {name}" for name, _, value in opinions)
            return Rejection("class_conflict", f"{said}.")
        if not names:
            return Rejection("unknown_lineage", unknown) if unknown else Rejection("unlabelled", _say_nothing(fields))
        return Labelled(names.pop(), ";".join(rule for _, rule, _ in opinions))

    def _match(self, kind: str, value: str) -> tuple[str, str]:
        """Class and pattern of the rule that matches, or two empty strings."""
        if kind == PANGO:
            self._lineages.expand(value)
            matching = [rule for rule in self._rules[kind] if self._matches(value, rule[1])]
            return max(matching, key=lambda rule: self._specificity(rule[1]), default=("", ""))
        # Nextstrain writes clades as 21K or 21K (Omicron).
        text = value.split(" (")[0] if kind == "nextstrain_clade" else value
        return next((rule for rule in self._rules[kind] if re.fullmatch(rule[1], text)), ("", ""))

    def is_of(self, lineage: str, pattern: str) -> bool:
        """Whether a lineage matches `NAME` or `NAME*`; one that is unknown matches nothing."""
        try:
            return self._matches(lineage, pattern)
        except UnknownLineage:
            return False

    def _matches(self, lineage: str, pattern: str) -> bool:
        if pattern.endswith("*"):
            return self._lineages.descends(lineage, pattern.rstrip("*"))
        return self._lineages.expand(lineage) == self._lineages.expand(pattern)

    def _specificity(self, pattern: str) -> tuple[int, bool]:
        return self._lineages.expand(pattern.rstrip("*")).count("."), not pattern.endswith("*")


def _say_nothing(fields: dict[str, str]) -> str:
    given = ", ".join(f"{kind} {value.strip()!r}" for kind, value in fields.items())
    return f"No rule gives it a class by {given or 'its metadata, of which there is none'}."


def read_class_rules(rules: str | os.PathLike, aliases: str | os.PathLike, key: str = "class_rules") -> ClassRules:
    """Read the tables of class rules (TSV: class, by, pattern) and of lineage aliases.

    Raises InputError naming the file and line, or the config key below `key`.
    """
    found = []
    with open(rules, encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        missing = [column for column in COLUMNS if column not in (rows.fieldnames or [])]
        if missing:
            raise InputError(f"{rules} ({key}.rules) has no column {missing[0]}. It needs {', '.join(COLUMNS)}.")
        for row in rows:
            name, kind, pattern = (row[column] or "" for column in COLUMNS)
            where = f"{rules} line {rows.line_num} ({key}.rules)"
            if kind not in KINDS:
                raise InputError(f"{where}: {kind!r} is no kind of rule. Kinds: {', '.join(KINDS)}.")
            if not name or not pattern:
                raise InputError(f"{where}: the class or the pattern is empty. Fill it or remove the row.")
            try:
                re.compile(pattern if kind != PANGO else "")
            except re.error as error:
                raise InputError(f"{where}: {pattern!r} is no regular expression ({error}).") from None
            found.append((name, kind, pattern))
    if not found:
        raise InputError(f"{rules} ({key}.rules) has a header but no rule.")
    return ClassRules(found, read_lineages(aliases, f"{key}.aliases"))
