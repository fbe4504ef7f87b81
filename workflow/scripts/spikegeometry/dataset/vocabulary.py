"""The tokens: special ones, then the k-mers of the training split in sorted order."""

import os
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from spikegeometry.dataset.packing import SYMBOLS_PER_WORD, count_distinct, pack_kmers, unpack_kmers
from spikegeometry.errors import InputError
from spikegeometry.tables import atomic_path

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PAD, UNK, CLS, SEP, MASK = range(len(SPECIAL_TOKENS))
# What a genome is known to have at a place: a base, or none.
CERTAIN = frozenset("ACGT-")


def count_kmers(
    batches: Iterable[Sequence[str]], k: int, stride: int, ambiguous: str, min_count: int = 1
) -> pd.DataFrame:
    """Count the k-mers of batches of sequences.

    Returns columns kmer, count, rank (1 is the most frequent; equals in alphabetical order), sorted by rank. With
    `ambiguous` "unknown", k-mers with a symbol outside `CERTAIN` are left out; with "keep" they count as any other.
    K-mers that stand at fewer than `min_count` places are left out. InputError where no k-mer remains.
    """
    distinct = np.empty((-(-k // SYMBOLS_PER_WORD), 0), dtype=np.uint64)
    counts = np.empty(0, dtype=np.int64)
    for sequences in batches:
        words, lengths = pack_kmers(sequences, k, stride)
        words = words[:, np.arange(words.shape[2]) < lengths[:, None]]
        new, new_counts = count_distinct(words, np.ones(words.shape[1], dtype=np.int64))
        distinct, counts = count_distinct(np.concatenate([distinct, new], axis=1), np.concatenate([counts, new_counts]))
    often = counts >= min_count
    table = pd.DataFrame({"kmer": unpack_kmers(distinct[:, often], k), "count": counts[often]})
    if ambiguous == "unknown":
        table = table[[CERTAIN.issuperset(kmer) for kmer in table["kmer"]]]
    if table.empty:
        raise InputError(
            f"the training split holds no k-mer of {k} symbols to learn that stands in it {min_count} times or more: "
            "lower the config key dataset.k or dataset.min_count"
        )
    table = table.sort_values("count", ascending=False, kind="stable", ignore_index=True)
    return table.assign(rank=np.arange(1, len(table) + 1))


def write_vocabulary(kmers: Iterable[str], path: str | os.PathLike) -> None:
    """Write the special tokens and the sorted k-mers, one a line: the line's 0-based number is the token's id."""
    with atomic_path(path) as partial:
        partial.write_text("\n".join([*SPECIAL_TOKENS, *sorted(kmers)]) + "\n", encoding="ascii")


def read_vocabulary(path: str | os.PathLike) -> list[str]:
    """Tokens of a vocabulary in the order of their ids. InputError where `write_vocabulary` did not write it."""
    with open(path, encoding="ascii") as file:
        tokens = file.read().split()
    kmers = tokens[len(SPECIAL_TOKENS) :]
    if tuple(tokens[: len(SPECIAL_TOKENS)]) != SPECIAL_TOKENS or not kmers:
        raise InputError(
            f"{path}: a vocabulary begins with {' '.join(SPECIAL_TOKENS)}, then k-mers; remove it and rerun"
        )
    if kmers != sorted(set(kmers)) or len({len(kmer) for kmer in kmers}) != 1:
        raise InputError(f"{path}: the k-mers are not of one length, distinct and sorted; remove the file and rerun")
    return tokens
