"""Classes of genomes by rules on what a database says of them: lineage, clade, variant."""

import os
import re
from typing import NamedTuple

from spikegeometry.errors import InputError
from spikegeometry.genomes.cleaning import Rejection
from spikegeometry.genomes.lineages import Lineages, UnknownLineage, read_lineages
from spikegeometry.genomes.rows import read_rows

COLUMNS = ("class", "by", "pattern")
PANGO, NEXTSTRAIN = "pango", "nextstrain_clade"
# Where no rule matches, GISAID's clades and variants say nothing: clades G, GH, ... hold several classes and
# others, and the variants name only some genomes.
KINDS = (PANGO, NEXTSTRAIN, "gisaid_clade", "gisaid_variant")
# What databases write where nothing was assigned.
UNASSIGNED = frozenset(
    ["", "-", "?", "na", "n/a", "#n/a", "nan", "null", "none", "missing", "unknown", "unassigned", "not assigned"]
    + ["unclassified", "unclassifiable", "undetermined", "not determined"]
)
OTHER = "other"


class UnknownClade(ValueError):
    """A clade that no rule names."""


class Labelled(NamedTuple):
    """The class of a genome, and the rule that gave it (kind:pattern, joined by ';' where several agree)."""

    class_name: str
    rule: str


# What stands in brackets behind a name, also where they are not closed.
BRACKETS = re.compile(r"\s*[(\[].*", re.DOTALL)


def plain_clade(value: str) -> str:
    """A Nextstrain clade without what stands in brackets behind it: 20I (Alpha, V1) is 20I."""
    return BRACKETS.sub("", value).strip()


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

        A lineage of the table of aliases that no rule matches is `other`; a clade that no rule names is unknown and
        says nothing. Rejected where the fields contradict each other, or none says anything.
        """
        opinions, unknown = [], []
        for kind, value in fields.items():
            value = value.strip()
            if value.lower() in UNASSIGNED:
                continue
            try:
                name, pattern = self._match(kind, value)
            except UnknownLineage as error:
                remedy = "a newer alias_key.json may have it (config key class_rules.aliases)"
                unknown.append(Rejection("unknown_lineage", f"{error}; {remedy}."))
            except UnknownClade as error:
                unknown.append(Rejection("unknown_clade", f"{error}; class_rules.rules can give it one."))
            else:
                if name:
                    opinions.append((name, f"{kind}:{pattern}", f"{kind} {value}"))
        names = {name for name, _, _ in opinions}
        if len(names) > 1:
            said = ", ".join(f"{value} says {name}" for name, _, value in opinions)
            return Rejection("class_conflict", f"{said}.")
        if not names:
            return unknown[0] if unknown else Rejection("unlabelled", _say_nothing(fields))
        return Labelled(names.pop(), ";".join(rule for _, rule, _ in opinions))

    def _match(self, kind: str, value: str) -> tuple[str, str]:
        """Class and pattern of the rule that matches, or two empty strings where that says nothing."""
        if kind == PANGO:
            lineage = self._read_lineage(value)
            matching = [rule for rule in self._rules[kind] if self._matches(lineage, rule[1])]
            return max(matching, key=lambda rule: self._specificity(rule[1]), default=(OTHER, lineage))
        text = plain_clade(value) if kind == NEXTSTRAIN else value
        flags = re.IGNORECASE if kind == NEXTSTRAIN else 0
        found = next((rule for rule in self._rules[kind] if re.fullmatch(rule[1], text, flags)), ("", ""))
        if kind == NEXTSTRAIN and not found[0]:
            raise UnknownClade(f"{value!r} is no clade of the class rules")
        return found

    def _read_lineage(self, value: str) -> str:
        """The lineage that a value names, without what stands behind it: XBB.1.5 (marker override ...).

        Raises UnknownLineage, also where the value names a second lineage outside brackets.
        """
        first, *others = re.split(r"[\s,;/+&|]+", BRACKETS.sub("", value).strip())
        lineage = first.upper()
        self._lineages.expand(lineage)
        if any(re.fullmatch(r"(X[A-Z]+|[A-Z]{1,3}\.)[\d.]*", other.upper()) for other in others):
            raise UnknownLineage(f"{value!r} names more than one Pango lineage")
        return lineage

    def is_of(self, value: str, pattern: str) -> bool:
        """Whether a lineage matches `NAME` or `NAME*`; one that is unknown matches nothing."""
        try:
            return self._matches(self._read_lineage(value), pattern)
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
    for row in read_rows(rules, {column: column for column in COLUMNS}, f"{key}.rules"):
        where = f"{rules} line {row.line} ({key}.rules)"
        if row.problem:
            raise InputError(f"{where}: {row.problem}. Correct the row.")
        name, kind, pattern = (row.values[column] for column in COLUMNS)
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
