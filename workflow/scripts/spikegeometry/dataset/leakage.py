"""How much of a split has been seen in another.

Everything is counted in genomes of the second set of a pair, by class: those whose gene sequence or protein is
identical to one of the first set, those at a Hamming distance of 0, 1, 2 or more from the nearest, and those whose
identical sequence carries another class there. Of a large set, distances are taken of the genomes of a sample of its
sequences, to all sequences of the first set.
"""

import os
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from sys import intern

import numpy as np
import pandas as pd

from spikegeometry.dataset.encoding import OTHER
from spikegeometry.dataset.packing import SYMBOLS, symbol_matrix
from spikegeometry.dataset.reading import StoredTexts, spike_batches, text_digests
from spikegeometry.dataset.vocabulary import CERTAIN
from spikegeometry.logs import progress
from spikegeometry.sequences.translation import translate
from spikegeometry.streams import Stream

ALL = "all"
BLOCK = 256


@dataclass(frozen=True)
class SpikeSet:
    """Genomes and their distinct projected sequences.

    genomes: columns class, accession, haplotype, protein (digests of 64 bits), row. sequences: the distinct projected
    sequences, on the disk; `row` points to them.
    """

    genomes: pd.DataFrame
    sequences: StoredTexts

    def subset(self, members: np.ndarray) -> "SpikeSet":
        """The genomes whose accessions have the digests `members`, on the same sequences."""
        return SpikeSet(self.genomes[self.genomes["accession"].isin(members)], self.sequences)

    def symbols(self, rows: np.ndarray) -> "Symbols":
        """The sequences of some rows."""
        return Symbols(self.sequences, rows)


@dataclass(frozen=True)
class Symbols:
    """Sequences as ASCII codes, uint8 (rows, gene length), made from the texts when a slice of them is asked for."""

    sequences: StoredTexts
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, part: slice) -> np.ndarray:
        return symbol_matrix([self.sequences[row] for row in self.rows[part].tolist()])


def read_spike_set(spikes: str | os.PathLike, coordinates: str) -> SpikeSet:
    """Read a table of spikes; `coordinates` is the form whose identity counts as the same sequence."""
    classes: list[str] = []
    row_of: dict[int, int] = {}
    # Grown in place: many small arrays, made among large ones that come and go, would keep their memory from reuse.
    accessions, haplotypes, proteins, rows = array("Q"), array("Q"), array("Q"), array("q")

    def new_sequences() -> Iterator[str]:
        for batch in spike_batches(spikes, ["accession", "class", "native", "projected"]):
            accessions.extend(text_digests(batch.column("accession").to_pylist()))
            classes.extend(map(intern, batch.column("class").to_pylist()))
            haplotypes.extend(text_digests(batch.column(coordinates).to_pylist()))
            proteins.extend(text_digests(map(translate, batch.column("native").to_pylist())))
            projected = batch.column("projected").to_pylist()
            for digest, sequence in zip(text_digests(projected).tolist(), projected, strict=True):
                if digest not in row_of:
                    row_of[digest] = len(row_of)
                    yield sequence
                rows.append(row_of[digest])

    sequences = StoredTexts(new_sequences())
    numbers = {"accession": accessions, "haplotype": haplotypes, "protein": proteins, "row": rows}
    columns = {name: np.frombuffer(values, values.typecode) for name, values in numbers.items()}
    return SpikeSet(pd.DataFrame({"class": classes} | columns), sequences)


def distances(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compare all pairs of rows of two uint8 matrices of symbols, (a, n) and (b, n).

    Returns the Hamming distances and the conflicts, float32 (a, b), both exact counts below 2^24. A conflict is a
    place where the two differ and both are known (`CERTAIN`).
    """
    varies = (first != first[0]).any(axis=0) | (second != first[0]).any(axis=0)
    first, second = first[:, varies], second[:, varies]
    agree = np.zeros((len(first), len(second)), dtype=np.float32)
    agree_known = np.zeros_like(agree)
    for symbol in SYMBOLS:
        both = _shared(first == ord(symbol), second == ord(symbol))
        agree += both
        if symbol in CERTAIN:
            agree_known += both
    certain = [ord(symbol) for symbol in CERTAIN]
    unread, unread_second = ~np.isin(first, certain), ~np.isin(second, certain)
    read_in_both = (
        first.shape[1] - unread.sum(axis=1)[:, None] - unread_second.sum(axis=1) + _shared(unread, unread_second)
    )
    return first.shape[1] - agree, (read_in_both - agree_known).astype(np.float32)


def _shared(first: np.ndarray, second: np.ndarray) -> np.ndarray | float:
    """Number of columns that are true in both, for all pairs of rows of two boolean matrices."""
    columns = first.any(axis=0) & second.any(axis=0)
    if not columns.any():
        return 0.0
    return first[:, columns].astype(np.float32) @ second[:, columns].astype(np.float32).T


def nearest(
    first: np.ndarray | Symbols, second: np.ndarray | Symbols, block: int = BLOCK
) -> tuple[np.ndarray, np.ndarray]:
    """Smallest Hamming distance and fewest conflicts of each row of `second` to any row of `first`, float32 (b,).

    Compares `block` x `block` rows at a time.
    """
    hamming = np.full(len(second), np.inf, dtype=np.float32)
    conflicts = hamming.copy()
    for start in progress(range(0, len(second), block), "blocks of sequences", -(-len(second) // block)):
        rows = slice(start, start + block)
        own = second[rows]
        for other in range(0, len(first), block):
            found = distances(first[other : other + block], own)
            np.minimum(hamming[rows], found[0].min(axis=0), out=hamming[rows])
            np.minimum(conflicts[rows], found[1].min(axis=0), out=conflicts[rows])
    return hamming, conflicts


def compare(first: SpikeSet, second: SpikeSet, most: int, seed: int) -> pd.DataFrame:
    """One row a genome of `second`: its class, and a column for each statistic of the leakage table, 1 or 0.

    Distances are of the genomes of at most `most` distinct sequences of each class, a seeded sample; of the others they
    are missing.
    """
    mine = second.genomes
    distinct = mine[["class", "row"]].drop_duplicates()
    order = np.random.default_rng([seed, Stream.LEAKAGE_SAMPLE]).permutation(len(distinct))
    rows = np.unique(distinct.iloc[order].groupby("class").head(most)["row"])
    hamming, conflicts = nearest(first.symbols(first.genomes["row"].unique()), second.symbols(rows))
    position = pd.Index(rows).get_indexer(mine["row"])
    sampled = position >= 0
    hamming, conflicts = hamming[position], conflicts[position]
    distance = {
        "hamming_0": hamming == 0,
        "hamming_1": hamming == 1,
        "hamming_2": hamming == 2,
        "hamming_3_or_more": hamming >= 3,
        "indistinguishable": conflicts == 0,
    }
    return pd.DataFrame(
        {
            "class": mine["class"],
            "identical_nucleotides": mine["haplotype"].isin(first.genomes["haplotype"]).astype(np.float32),
            "identical_protein": mine["protein"].isin(first.genomes["protein"]).astype(np.float32),
            **{name: np.where(sampled, flags, np.nan).astype(np.float32) for name, flags in distance.items()},
            "contradictory_labels": contradictory(first.genomes, mine).astype(np.float32),
        }
    )


def contradictory(first: pd.DataFrame, second: pd.DataFrame) -> np.ndarray:
    """Whether each genome of `second` has its very sequence in `first` under another class, bool (genomes,)."""
    pairs = first[["haplotype", "class"]].drop_duplicates()
    classes = pairs["haplotype"].value_counts()
    own = pd.MultiIndex.from_frame(second[["haplotype", "class"]]).isin(pd.MultiIndex.from_frame(pairs))
    return second["haplotype"].map(classes).fillna(0).to_numpy() > own


def leakage_table(
    splits: dict[str, SpikeSet], external: dict[str, SpikeSet], classes: list[str], most: int, seed: int
) -> pd.DataFrame:
    """The leakage table: columns pair, class, statistic, value (genomes), n (genomes of the class that were compared).

    Pairs are written first-second and counted in genomes of the second: train-validation, train-test,
    validation-test, and train-NAME for each external set. The pair `all` counts contradictory labels within all
    splits together. Distances are taken of genomes with at most `most` sequences of a class, as in `compare`.
    """
    names = list(splits)
    pairs = [(splits, first, second) for i, first in enumerate(names) for second in names[i + 1 :]]
    tables = {f"{first}-{second}": compare(sets[first], sets[second], most, seed) for sets, first, second in pairs}
    for name, spikes in external.items():
        tables[f"train-{name}"] = compare(splits["train"], spikes, most, seed)
    whole = pd.concat([spikes.genomes for spikes in splits.values()])
    tables[ALL] = pd.DataFrame({"class": whole["class"], "contradictory_labels": contradictory(whole, whole)})
    return pd.concat([_by_class(table, pair, classes) for pair, table in tables.items()], ignore_index=True)


def _by_class(flags: pd.DataFrame, pair: str, classes: list[str]) -> pd.DataFrame:
    """Sums of the columns by class and for all classes, in long form; `n` counts what is not missing."""
    present = [name for name in [*classes, OTHER] if (flags["class"] == name).any()]
    rows = []
    for name in [*present, ALL]:
        chosen = flags if name == ALL else flags[flags["class"] == name]
        for statistic in flags.columns.drop("class"):
            rows.append((pair, name, statistic, int(chosen[statistic].sum()), int(chosen[statistic].count())))
    return pd.DataFrame(rows, columns=["pair", "class", "statistic", "value", "n"])
