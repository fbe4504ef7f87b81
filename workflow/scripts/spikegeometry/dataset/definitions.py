"""Mutations that define the classes, learnt from the training split."""

import logging
import os

import numpy as np
import pandas as pd

from spikegeometry.dataset.reading import spike_batches, split_members

logger = logging.getLogger(__name__)

# Largest share of the genomes of the other classes, each class equally weighted, that may have the mutation too.
ELSEWHERE = 0.1
_BASES = "ACGT-"
_CODES = np.full(256, len(_BASES), dtype=np.uint8)
_CODES[list(_BASES.encode())] = range(len(_BASES))


def symbol_shares(spikes: str | os.PathLike, splits: str | os.PathLike, classes: list[str], bases: int) -> np.ndarray:
    """Share of A, C, G, T and `-` at each base in the training genomes of each class: (classes, bases, 5).

    Of the genomes whose base is known; NaN where none is. `bases` is the length of the gene.
    """
    counts = np.zeros((len(classes), bases, len(_BASES)))
    members = split_members(splits, "train")
    for batch in spike_batches(spikes, ["class", "projected"], members):
        names, sequences = (batch.column(name).to_pylist() for name in ("class", "projected"))
        symbols = _CODES[np.frombuffer("".join(sequences).encode(), dtype=np.uint8)].reshape(-1, bases)
        for number, name in enumerate(classes):
            own = symbols[np.array(names) == name]
            counts[number] += (own[:, :, None] == np.arange(len(_BASES))).sum(axis=0)
    total = counts.sum(axis=2, keepdims=True)
    return np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0)


def learn_definitions(shares: np.ndarray, reference: str, start: int, classes: list[str], share: float) -> pd.DataFrame:
    """Mutations that at least `share` of a class has and at most ELSEWHERE of the others: founder, class, mutations.

    `shares` are from `symbol_shares`, `reference` is the gene, whose first base is `start` of the genome (1-based).
    Mutations are written as in tables of founders (`genomes.founders`), in coordinates of the genome. Neighbouring
    deleted bases are one deletion. A class without any has a row without mutations.
    """
    expected = _CODES[np.frombuffer(reference.encode(), dtype=np.uint8)]
    rows = []
    for number, name in enumerate(classes):
        others = np.delete(shares, number, axis=0)
        known = np.isfinite(others).sum(axis=0)
        elsewhere = np.divide(np.nansum(others, axis=0), known, out=np.zeros(known.shape), where=known > 0)
        chosen = (np.nan_to_num(shares[number]) >= share) & (elsewhere <= ELSEWHERE)
        chosen[np.arange(len(expected)), np.minimum(expected, len(_BASES) - 1)] = False
        texts = [
            f"{reference[place]}{start + place}{_BASES[symbol]}"
            for place, symbol in np.argwhere(chosen[:, :4]).tolist()
            if reference[place] in "ACGT"
        ]
        deleted = np.flatnonzero(chosen[:, 4])
        runs = np.split(deleted, np.flatnonzero(np.diff(deleted) > 1) + 1) if len(deleted) else []
        texts += [f"del:{start + int(run[0])}:{len(run)}" for run in runs]
        if not texts:
            logger.warning("No mutation defines %s: none is in %g of its genomes and rare elsewhere.", name, share)
        rows.append((name, name, " ".join(texts)))
    return pd.DataFrame(rows, columns=["founder", "class", "mutations"])
