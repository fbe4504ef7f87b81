"""How much of a split has been seen in another.

Everything is counted in genomes of the second set of a pair, by class: those whose gene sequence or protein is
identical to one of the first set, those at a Hamming distance of 0, 1, 2 or more from the nearest, and those whose
identical sequence carries another class there.
"""

import hashlib
import os
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spikegeometry.dataset.packing import SYMBOLS, symbol_matrix
from spikegeometry.dataset.reading import spike_batches
from spikegeometry.dataset.splits import haplotype_id
from spikegeometry.dataset.vocabulary import CERTAIN
from spikegeometry.logs import progress

ALL = "all"
BLOCK = 1024

# The standard genetic code with the bases of each position in the order T, C, A, G.
_BASES = "TCAG"
_AMINO_ACIDS = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
_BASE_CODES = np.full(256, len(_BASES), dtype=np.uint8)
_BASE_CODES[list(_BASES.encode())] = range(len(_BASES))
_GENETIC_CODE = np.full((5, 5, 5), ord("X"), dtype=np.uint8)
_GENETIC_CODE[:4, :4, :4] = np.frombuffer(_AMINO_ACIDS.encode(), dtype=np.uint8).reshape(4, 4, 4)


def translate(sequence: str) -> str:
    """Protein of the whole codons of a sequence: `*` for a stop, X for a codon with anything but A, C, G, T."""
    codes = _BASE_CODES[np.frombuffer(sequence.encode(), dtype=np.uint8)]
    codons = codes[: len(codes) // 3 * 3].reshape(-1, 3)
    return _GENETIC_CODE[tuple(codons.T)].tobytes().decode()


@dataclass(frozen=True)
class SpikeSet:
    """Genomes and their distinct projected sequences.

    genomes: columns accession, class, haplotype, protein (digests), row. sequences: ASCII codes of the distinct
    projected sequences, uint8 (sequences, gene length); `row` points into them.
    """

    genomes: pd.DataFrame
    sequences: np.ndarray

    def subset(self, members: pd.Series) -> "SpikeSet":
        """The genomes of the accessions `members`, on the same sequences."""
        return SpikeSet(self.genomes[self.genomes["accession"].isin(members)], self.sequences)


def read_spike_set(spikes: str | os.PathLike, coordinates: str) -> SpikeSet:
    """Read a table of spikes; `coordinates` is the form whose identity counts as the same sequence."""
    genomes, row_of, blocks = [], {}, []
    for batch in spike_batches(spikes, ["accession", "class", "native", "projected"]):
        part = batch.select(["accession", "class"]).to_pandas()
        part["haplotype"] = [haplotype_id(sequence) for sequence in batch.column(coordinates).to_pylist()]
        proteins = map(translate, batch.column("native").to_pylist())
        part["protein"] = [hashlib.sha256(protein.encode()).hexdigest() for protein in proteins]
        projected = batch.column("projected").to_pylist()
        digests = [haplotype_id(sequence) for sequence in projected]
        new = {digest: sequence for digest, sequence in zip(digests, projected, strict=True) if digest not in row_of}
        row_of |= {digest: row for row, digest in enumerate(new, start=len(row_of))}
        part["row"] = [row_of[digest] for digest in digests]
        genomes.append(part)
        if new:
            blocks.append(symbol_matrix(list(new.values())))
    return SpikeSet(pd.concat(genomes, ignore_index=True), np.concatenate(blocks))


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


def nearest(first: np.ndarray, second: np.ndarray, block: int = BLOCK) -> tuple[np.ndarray, np.ndarray]:
    """Smallest Hamming distance and fewest conflicts of each row of `second` to any row of `first`, float32 (b,).

    Compares `block` x `block` rows at a time.
    """
    hamming = np.full(len(second), np.inf, dtype=np.float32)
    conflicts = hamming.copy()
    for start in progress(range(0, len(second), block), "blocks of sequences", -(-len(second) // block)):
        rows = slice(start, start + block)
        for other in range(0, len(first), block):
            found = distances(first[other : other + block], second[rows])
            np.minimum(hamming[rows], found[0].min(axis=0), out=hamming[rows])
            np.minimum(conflicts[rows], found[1].min(axis=0), out=conflicts[rows])
    return hamming, conflicts


def compare(first: SpikeSet, second: SpikeSet) -> pd.DataFrame:
    """One row a genome of `second`: its class, and a boolean column for each statistic of the leakage table."""
    mine = second.genomes
    rows, position = np.unique(mine["row"], return_inverse=True)
    hamming, conflicts = nearest(first.sequences[first.genomes["row"].unique()], second.sequences[rows])
    hamming = hamming[position]
    return pd.DataFrame(
        {
            "class": mine["class"],
            "identical_nucleotides": mine["haplotype"].isin(first.genomes["haplotype"]),
            "identical_protein": mine["protein"].isin(first.genomes["protein"]),
            "hamming_0": hamming == 0,
            "hamming_1": hamming == 1,
            "hamming_2": hamming == 2,
            "hamming_3_or_more": hamming >= 3,
            "indistinguishable": conflicts[position] == 0,
            "contradictory_labels": contradictory(first.genomes, mine),
        }
    )


def contradictory(first: pd.DataFrame, second: pd.DataFrame) -> np.ndarray:
    """Whether each genome of `second` has its very sequence in `first` under another class, bool (genomes,)."""
    classes = first.groupby("haplotype")["class"].agg(set).to_dict()
    pairs = zip(second["haplotype"], second["class"], strict=True)
    return np.array([bool(classes.get(haplotype, set()) - {name}) for haplotype, name in pairs], dtype=bool)


def leakage_table(splits: dict[str, SpikeSet], external: dict[str, SpikeSet], classes: list[str]) -> pd.DataFrame:
    """The leakage table: columns pair, class, statistic, value (genomes), n (genomes of the class).

    Pairs are written first-second and counted in genomes of the second: train-validation, train-test,
    validation-test, and train-NAME for each external set. The pair `all` counts contradictory labels within all
    splits together.
    """
    names = list(splits)
    pairs = [(splits, first, second) for i, first in enumerate(names) for second in names[i + 1 :]]
    tables = {f"{first}-{second}": compare(sets[first], sets[second]) for sets, first, second in pairs}
    for name, spikes in external.items():
        tables[f"train-{name}"] = compare(splits["train"], spikes)
    whole = pd.concat([spikes.genomes for spikes in splits.values()])
    tables[ALL] = pd.DataFrame({"class": whole["class"], "contradictory_labels": contradictory(whole, whole)})
    return pd.concat([_by_class(table, pair, classes) for pair, table in tables.items()], ignore_index=True)


def _by_class(flags: pd.DataFrame, pair: str, classes: list[str]) -> pd.DataFrame:
    """Sums of the boolean columns by class and for all classes, in long form."""
    present = [name for name in [*classes, "other"] if (flags["class"] == name).any()]
    rows = []
    for name in [*present, ALL]:
        chosen = flags if name == ALL else flags[flags["class"] == name]
        for statistic in flags.columns.drop("class"):
            rows.append((pair, name, statistic, int(chosen[statistic].sum()), len(chosen)))
    return pd.DataFrame(rows, columns=["pair", "class", "statistic", "value", "n"])
