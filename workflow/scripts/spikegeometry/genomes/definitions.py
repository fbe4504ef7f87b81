"""Mutations that define classes, from the published mutations of their founders."""

import logging
import os
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from spikegeometry.errors import InputError
from spikegeometry.genomes.fasta import read_single
from spikegeometry.genomes.founders import COLUMNS, parse_mutation
from spikegeometry.sequences.mutations import Change, all_in_protein
from spikegeometry.tables import read_tsv

logger = logging.getLogger(__name__)


def defining_mutations(path: str | os.PathLike, classes: list[str], share: float) -> pd.DataFrame:
    """Mutations that at least `share` of a class's founders have, but for those that every class in the table has.

    `path` is a table of founders (class and mutations, as `read_founders` reads it). Columns: class, mutation, first,
    last (1-based bases of the reference; for an insertion, those on either side of it), inserted (true for an
    insertion), share (of the founders). Classes that the table lacks have no row.

    Raises InputError where a column is missing or a mutation cannot be read.
    """
    table = read_tsv(path)
    if not set(COLUMNS) <= set(table):
        raise InputError(
            f"{path}: a column of {', '.join(COLUMNS)} is missing.\n"
            "Config key analyses.attributions.definitions names a table of founders such as resources/founders.tsv."
        )
    shares = {}
    for name, founders in table.groupby("class")["mutations"]:
        counts = Counter(mutation for text in founders for mutation in set(text.split()))
        shares[name] = {mutation: n / len(founders) for mutation, n in counts.items() if n >= share * len(founders)}
    common = set.intersection(*map(set, shares.values()))
    rows = []
    for name in classes:
        for text in shares.get(name, {}).keys() - common:
            try:
                mutation = parse_mutation(text)
            except InputError as error:
                raise InputError(f"{path}, class {name}: {error}") from error
            inserted = mutation.start == mutation.end
            first, last = (mutation.start, mutation.end + 1) if inserted else (mutation.start + 1, mutation.end)
            rows.append((name, text, first, last, inserted, shares[name][text]))
    columns = ["class", "mutation", "first", "last", "inserted", "share"]
    return pd.DataFrame(rows, columns=columns).sort_values(["class", "first", "mutation"], ignore_index=True)


def in_gene(mutations: pd.DataFrame, start: int, end: int, insertions: bool) -> pd.DataFrame:
    """The mutations that touch the gene `start`..`end` (1-based, both included), `first` and `last` counted from its
    start; insertions only if wanted: projected sequences do not show them."""
    touched = (mutations["last"] >= start) & (mutations["first"] <= end) & (insertions | ~mutations["inserted"])
    return mutations[touched].assign(
        first=np.maximum(mutations["first"] - start + 1, 1), last=np.minimum(mutations["last"], end) - start + 1
    )


def defined_in_gene(
    path: str | os.PathLike, classes: list[str], share: float, start: int, end: int, insertions: bool
) -> dict[str, pd.DataFrame]:
    """`in_gene` of the `defining_mutations` of each class; a class that has none there is left out, with a warning."""
    mutations = in_gene(defining_mutations(path, classes, share), start, end, insertions)
    of_class = dict(iter(mutations.groupby("class")))
    for name in classes:
        if name not in of_class:
            logger.warning("%s names no mutation of the gene that defines %s: it will have no rows.", path, name)
    return of_class


def named_mutations(mutations: dict[str, pd.DataFrame], gene: str) -> pd.DataFrame:
    """The mutations of each class (`defined_in_gene`) by their names in the protein of the `gene`.

    Columns: class, mutation (in the genome), protein, first_residue, last_residue.
    """
    rows = []
    for name, table in mutations.items():
        described = all_in_protein(table["mutation"], table["first"], table["last"], gene)
        rows += [(name, text, *one) for text, one in zip(table["mutation"], described, strict=True)]
    return pd.DataFrame(rows, columns=["class", "mutation", "protein", "first_residue", "last_residue"])


def mutations_on_axis(
    definitions: str | os.PathLike | None,
    reference: str | os.PathLike,
    classes: list[str],
    share: float,
    coordinates: str,
    start: int,
    end: int,
) -> pd.DataFrame:
    """Names of the mutations that define classes and their residues: class, name, start, end.

    Arguments as of `defined_in_gene`; `reference`: FASTA of the genome; `coordinates`: `native` shows insertions.
    Without `definitions` there are none.
    """
    insertions = coordinates == "native"
    found = defined_in_gene(definitions, classes, share, start, end, insertions) if definitions else {}
    named = named_mutations(found, read_single(reference).sequence[start - 1 : end])
    return named.drop(columns="mutation").set_axis(["class", "name", "start", "end"], axis=1)


def mutations_of_rule(rule: Any) -> pd.DataFrame:
    """`mutations_on_axis` with the inputs and params of a rule; `rule` is the object `snakemake` of its script."""
    given, params = rule.input, rule.params
    how = params.classes, params.share, params.coordinates, params.start, params.end
    return mutations_on_axis(given.definitions, given.reference, *how)


def defined_by(change: Change, projected: str, insertions: str, mutations: dict[str, pd.DataFrame]) -> list[str]:
    """Classes, in the order of `mutations` (from `defined_in_gene`), that a mutation of a gene defines or helps to.

    `change` is one of `sequences.mutations.changes(projected, insertions, ...)`. It does where a mutation that defines
    the class is there whole and shares a base with it.
    """
    own, inserted = set(change.bases), insertions.split(";")

    def holds(text: str, first: int, last: int) -> bool:
        symbols = parse_mutation(text).replacement or "-"
        if change.insertion is not None:
            return text.startswith("ins:") and change.insertion == first and f"{first}:{symbols}" in inserted
        return not own.isdisjoint(range(first - 1, last)) and set(projected[first - 1 : last]) == {symbols}

    return [
        name
        for name, table in mutations.items()
        if any(map(holds, table["mutation"], table["first"].tolist(), table["last"].tolist()))
    ]


def covering(mutations: pd.DataFrame, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Whether each token, of bases `first`..`last` (n,) of the gene, covers a base of a mutation from `in_gene`: (n,).

    An insertion is covered by a token that has both bases beside it.
    """
    overlap = (mutations["first"].to_numpy()[:, None] <= last) & (mutations["last"].to_numpy()[:, None] >= first)
    inside = (mutations["first"].to_numpy()[:, None] >= first) & (mutations["last"].to_numpy()[:, None] <= last)
    return np.where(mutations["inserted"].to_numpy(bool)[:, None], inside, overlap).any(axis=0)


def sites(
    mutations: dict[str, pd.DataFrame], first: np.ndarray, last: np.ndarray
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Of each class, which tokens cover a mutation that defines it, and which cover only those of other classes.

    Both are (n,), for tokens of bases `first`..`last` (n,) of the gene; `mutations` are from `defined_in_gene`.
    """
    own = {name: covering(table, first, last) for name, table in mutations.items()}
    any_class = np.any(list(own.values()), axis=0)
    return {name: (tokens, any_class & ~tokens) for name, tokens in own.items()}
