"""Find the k-mers that the masked model takes for one another, and what they have in common."""

import numpy as np
import pandas as pd

from spikegeometry.dataset.encoding import count_slots, open_split, padded_ids, take_rows
from spikegeometry.dataset.vocabulary import SPECIAL_TOKENS, read_vocabulary
from spikegeometry.evaluation import token_tables as tables
from spikegeometry.evaluation.resampling import estimates
from spikegeometry.evaluation.summaries import number_inputs
from spikegeometry.geometry import token_matches as geometry
from spikegeometry.logs import configure_logging, progress
from spikegeometry.tables import write_parquet, write_tsv

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
kmers, targets = read_vocabulary(given.vocabulary), pd.read_parquet(given.targets)
slots = geometry.common_slots(*count_slots(open_split(given.train)), len(SPECIAL_TOKENS), len(kmers))
rows, targets["row"] = np.unique(targets["row"], return_inverse=True)
inputs = number_inputs(padded_ids(take_rows(open_split(given.test), rows)))
n = len(np.unique(inputs))
blocks = [name for name in targets if name.startswith("block_")]
clusters, matches, confusion = [], [], []


def describe(labels, place):
    """What pairs of k-mers with one label have in common."""
    found = tables.pair_statistics(kmers, slots, params.stride, tables.pairs_within(labels))
    values = {(name,): (value, np.nan, np.nan) for name, value in found.items()}
    return tables.estimate_table(place, values, ["statistic"], n)


for (span, of_span), name in progress([(of, name) for of in targets.groupby("span") for name in blocks], "blocks"):
    block = int(name.removeprefix("block_"))
    masked = of_span[of_span["masked"]]
    confusion.append(tables.confusion_table(masked, name, kmers).assign(span=span, block=block))
    often = masked[masked["token"].isin(geometry.read_often(masked["token"].to_numpy(), params.min_targets))]
    arrays = [often[column].to_numpy() for column in ("row", "token", name)]
    found = estimates(
        lambda weights, arrays=arrays: geometry.resampled_clusters(*arrays, weights, params.taus),
        *(inputs, params.bootstrap, params.confidence, params.seed),
    )
    place = {"span": span, "block": block}
    clusters.append(tables.estimate_table(place, found, ["tau", "mutual", "statistic"], n))
    matrix = geometry.confusion_matrix(*arrays[1:], len(kmers))
    for tau, mutual in {key[:2]: None for key in found}:
        labels, here = geometry.strong_matches(matrix, tau, mutual), place | {"tau": tau, "mutual": mutual}
        matches.append(tables.match_table(labels, kmers).assign(**here))
        clusters.append(describe(labels, here))
if blocks:
    # By chance: any two k-mers of the training split that stand at one slot.
    clusters.append(describe(slots, {"span": None, "block": None, "tau": None, "mutual": False}))
write_tsv(tables.stacked(clusters, tables.CLUSTERS), snakemake.output.clusters)
write_tsv(tables.stacked(matches, tables.MATCHES), snakemake.output.matches)
write_parquet(tables.stacked(confusion, tables.CONFUSION), snakemake.output.confusion)
