"""The nearest sequences of a training split: a baseline, and what an answer for a new genome is shown beside."""

import operator
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import pandas as pd
from scipy import sparse

from spikegeometry.dataset.packing import symbol_matrix
from spikegeometry.dataset.reading import StoredTexts, text_digests
from spikegeometry.evaluation.baselines import Sequences
from spikegeometry.logs import progress
from spikegeometry.streams import Stream

# Spikes that are searched for, and among which, at once.
QUERIES, NEIGHBOURS = 128, 1024

UNKNOWN = 5
_SYMBOLS = np.full(256, UNKNOWN, dtype=np.uint8)
_SYMBOLS[list(b"ACGT-")] = range(UNKNOWN)


class NearestNeighbour:
    """The class of the training spike that differs least in projected coordinates.

    The distance is the share of differing symbols among the positions where both spikes hold A, C, G, T or a deletion;
    a position that is N, uncovered or ambiguous in either is left out. A spike that is equally near to several has a
    vote of every training genome with one of them; the probabilities are the shares of votes. Of each class at most
    `most` distinct spikes are searched, a seeded sample.
    """

    def __init__(self, most: int = sys.maxsize, seed: int = 0):
        self.most, self.seed = most, seed

    def fit(self, train: Sequences, n_classes: int) -> "NearestNeighbour":
        rows = pd.DataFrame({"digest": text_digests(train.projected), "label": train.labels})
        distinct = rows.drop_duplicates(["digest", "label"])
        order = np.random.default_rng([self.seed, Stream.BASELINE_SAMPLE]).permutation(len(distinct))
        sampled = distinct.iloc[order].groupby("label").head(self.most)["digest"].drop_duplicates().sort_index()
        which = pd.Index(sampled).get_indexer(rows["digest"])
        self.votes = np.zeros((len(sampled), n_classes))
        np.add.at(self.votes, (which[which >= 0], train.labels[which >= 0]), 1)
        self.spikes, self.consensus = _in_blocks(train.projected, sampled.index)
        return self

    def predict(self, sequences: Sequences) -> np.ndarray:
        votes = map(self._votes, _in_batches(sequences.projected, len(sequences), self.consensus))
        of_all = np.concatenate([np.zeros((0, self.votes.shape[1])), *votes])
        return of_all / of_all.sum(axis=1, keepdims=True)

    def _votes(self, queries: "Differences") -> np.ndarray:
        """Votes (queries, classes) of the nearest spikes."""
        nearest = np.full((queries.differs.shape[0], 1), np.inf)
        votes = np.zeros((len(nearest), self.votes.shape[1]))
        start = 0
        for spikes in self.spikes:
            distances = spikes.distances_from(queries)
            nearer = np.minimum(nearest, distances.min(axis=1, keepdims=True))
            votes[(nearer < nearest)[:, 0]] = 0
            votes += (distances == nearer) @ self.votes[start : start + distances.shape[1]]
            nearest, start = nearer, start + distances.shape[1]
        return votes


def nearest(known: Sequence[str], queries: Sequence[str]) -> pd.DataFrame:
    """Of each query the known sequence that is expected to differ least over the whole gene, the first of ties.

    Compared are the positions that both know. The others are taken to differ as often as those of the median known
    sequence do, and once in the gene at least, so that a sequence of which little is known is not the nearest for that.
    Sequences are in reference coordinates, all of one length; `known` has one at least. Columns: place (in `known`),
    differences, compared.
    """
    blocks, consensus = _in_blocks(known, range(len(known)))
    parts = []
    for rows in _in_batches(queries, len(queries), consensus):
        differing, compared = (
            np.concatenate(part, axis=1) for part in zip(*(b.counts(rows) for b in blocks), strict=True)
        )
        share = np.divide(differing, compared, out=np.full(compared.shape, np.nan), where=compared > 0)
        median = pd.DataFrame(share).median(axis=1).fillna(0).to_numpy()[:, None]
        rate = np.maximum(median, 1 / rows.length)
        expected = np.where(compared > 0, differing + (rows.length - compared) * rate, np.inf)
        place = expected.argmin(axis=1)
        each = np.arange(len(place))
        parts.append(np.stack([place, differing[each, place], compared[each, place]], axis=1).astype(int))
    found = np.concatenate([np.empty((0, 3), int), *parts])
    return pd.DataFrame(found, columns=["place", "differences", "compared"])


@dataclass(frozen=True)
class Differences:
    """Spikes by what sets them apart from a consensus, as sparse rows: few positions differ, so this is fast."""

    length: int
    differs: sparse.csr_array  # (n, length): known and not the consensus's symbol
    symbol: sparse.csr_array  # (n, length x 5): which symbol it is there
    unknown: sparse.csr_array  # (n, length)

    @classmethod
    def of(cls, symbols: np.ndarray, consensus: np.ndarray) -> "Differences":
        n, length = symbols.shape
        unknown = symbols == UNKNOWN
        rows, positions = np.nonzero(~unknown & (symbols != consensus))
        ones = np.ones(len(rows))
        cells = (rows, positions * UNKNOWN + symbols[rows, positions])
        return cls(
            length,
            sparse.csr_array((ones, (rows, positions)), shape=(n, length)),
            sparse.csr_array((ones, cells), shape=(n, length * UNKNOWN)),
            sparse.csr_array(unknown, dtype=float),
        )

    def distances_from(self, queries: "Differences") -> np.ndarray:
        """Share of differing symbols (queries, n) among the positions that both know, infinite where there is none."""
        differing, known = self.counts(queries)
        return np.divide(differing, known, out=np.full(known.shape, np.inf), where=known > 0)

    def counts(self, queries: "Differences") -> tuple[np.ndarray, np.ndarray]:
        """Of each pair (queries, n), how many symbols differ, of how many positions that both know.

        A position where one spike differs from the consensus and the other does not is counted once, one where both
        differ twice; that is taken back once if they differ from each other and twice if they agree.
        """
        left = sparse.hstack([queries.differs, queries.symbol, queries.differs, queries.unknown], format="csr")
        right = sparse.hstack([self.differs, self.symbol, self.unknown, self.differs], format="csr")
        differing = _sums(queries.differs, self.differs) - (left @ right.T).toarray()
        known = self.length - _sums(queries.unknown, self.unknown) + (queries.unknown @ self.unknown.T).toarray()
        return differing, known


def _in_blocks(spikes: Sequence[str] | StoredTexts, rows: Sequence[int]) -> tuple[list[Differences], np.ndarray]:
    """Some spikes in blocks of NEIGHBOURS, and the consensus (length,) that they are set apart from."""
    parts = np.split(np.asarray(rows), range(NEIGHBOURS, len(rows), NEIGHBOURS))
    blocks = [_symbols(spikes, part) for part in parts]
    counts = (np.stack([(block == symbol).sum(axis=0) for symbol in range(UNKNOWN)]) for block in blocks)
    consensus = reduce(operator.add, counts).argmax(axis=0).astype(np.uint8)
    return [Differences.of(block, consensus) for block in blocks], consensus


def _in_batches(spikes: Sequence[str] | StoredTexts, count: int, consensus: np.ndarray) -> Iterator[Differences]:
    """The first `count` spikes, QUERIES at a time."""
    starts = range(0, count, QUERIES)
    for start in progress(starts, "batches of nearest neighbours", len(starts)):
        yield Differences.of(_symbols(spikes, range(start, min(start + QUERIES, count))), consensus)


def _symbols(spikes: Sequence[str] | StoredTexts, rows: Iterable[int]) -> np.ndarray:
    """Symbols of some spikes as numbers, uint8 (n, length)."""
    return _SYMBOLS[symbol_matrix([spikes[int(row)] for row in rows])]


def _sums(queries: sparse.csr_array, spikes: sparse.csr_array) -> np.ndarray:
    """Entries of each pair of rows, (queries, spikes)."""
    return queries.sum(axis=1)[:, None] + spikes.sum(axis=1)[None, :]
