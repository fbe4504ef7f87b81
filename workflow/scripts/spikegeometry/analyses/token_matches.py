"""K-mers that the masked model takes for one another, and what they have in common."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

from spikegeometry.analyses.tables import token_tables as tables
from spikegeometry.dataset.encoding import count_slots, open_split
from spikegeometry.dataset.vocabulary import SPECIAL_TOKENS, read_vocabulary
from spikegeometry.geometry import token_matches as geometry
from spikegeometry.logs import progress
from spikegeometry.stats.resampling import estimates
from spikegeometry.stats.summaries import number_inputs


def measure(
    targets: str,
    vocabulary: str,
    train: str,
    test: str,
    taus: Sequence[float],
    min_targets: int,
    stride: int,
    bootstrap: int,
    confidence: float,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Clusters of k-mers that are read as one another, by block.

    Parameters
    ----------
    targets: Parquet of hidden k-mers and their readings. vocabulary: of the k-mers. train, test: encoded splits.
    taus: shares of its readings above which a k-mer is matched with another. min_targets: times that a k-mer is hidden
    at least. stride: of the k-mers, in bases. bootstrap: samples.

    Returns
    -------
    clusters: numbers and sizes, and what k-mers of one have in common, by span, block and tau. matches: the clusters.
    confusion: counts of readings.
    """
    kmers, (hidden, _, encoded) = read_vocabulary(vocabulary), tables.read_targets(targets, test)
    slots = geometry.common_slots(*count_slots(open_split(train)), len(SPECIAL_TOKENS), len(kmers))
    inputs = number_inputs(encoded)
    n = len(np.unique(inputs))
    blocks = [name for name in hidden if name.startswith("block_")]
    clusters, matches, confusion = [], [], []

    def describe(labels: np.ndarray, place: dict) -> pd.DataFrame:
        """What pairs of k-mers with one label have in common."""
        found = tables.pair_statistics(kmers, slots, stride, tables.pairs_within(labels))
        values = {(name,): (value, np.nan, np.nan) for name, value in found.items()}
        return tables.estimate_table(place, values, ["statistic"], n)

    places = [(of, name) for of in hidden.groupby("span") for name in blocks]
    for (span, of_span), name in progress(places, "blocks", len(places)):
        block = int(name.removeprefix("block_"))
        masked = of_span[of_span["masked"]]
        confusion.append(tables.confusion_table(masked, name, kmers).assign(span=span, block=block))
        often = masked[masked["token"].isin(geometry.read_often(masked["token"].to_numpy(), min_targets))]
        row, token, read = (often[column].to_numpy() for column in ("row", "token", name))
        found = estimates(
            partial(geometry.resampled_clusters, row, token, read, taus=taus),
            *(inputs, bootstrap, confidence, seed),
        )
        place = {"span": span, "block": block}
        clusters.append(tables.estimate_table(place, found, ["tau", "mutual", "statistic"], n))
        matrix = geometry.confusion_matrix(token, read, len(kmers))
        for tau, mutual in {key[:2]: None for key in found}:
            labels, here = geometry.strong_matches(matrix, tau, mutual), place | {"tau": tau, "mutual": mutual}
            matches.append(tables.match_table(labels, kmers).assign(**here))
            clusters.append(describe(labels, here))
    if blocks:
        # By chance: any two k-mers of the training split that stand at one slot.
        clusters.append(describe(slots, {"span": None, "block": None, "tau": None, "mutual": False}))
    return {
        "clusters": tables.stacked(clusters, tables.CLUSTERS),
        "matches": tables.stacked(matches, tables.MATCHES),
        "confusion": tables.stacked(confusion, tables.CONFUSION),
    }
