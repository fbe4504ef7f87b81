"""How well hidden k-mers are read: accuracy per token along the blocks, and against the label's confidence."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

from spikegeometry.analyses.tables import token_tables as tables
from spikegeometry.dataset.encoding import count_slots, open_split
from spikegeometry.dataset.vocabulary import SPECIAL_TOKENS, read_vocabulary
from spikegeometry.geometry import token_accuracy as geometry
from spikegeometry.geometry.token_matches import common_slots
from spikegeometry.stats.findings import findings_table
from spikegeometry.stats.resampling import estimates
from spikegeometry.stats.summaries import number_inputs
from spikegeometry.tables import read_tsv


def measure(
    targets: str,
    clusters: str,
    vocabulary: str,
    train: str,
    test: str,
    predictions: str,
    classes: Sequence[str],
    min_targets: int,
    frequent: int,
    taus: Sequence[float],
    bootstrap: int,
    confidence: float,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Accuracy of each reader of hidden k-mers, beside that of the commonest k-mer of the slot.

    Parameters
    ----------
    targets: Parquet of hidden k-mers and their readings. clusters: table of `token_matches`. vocabulary: of the k-mers.
    train, test: encoded splits. predictions: Parquet of the classifier's on the test split;
    classes: names of its outputs.
    min_targets: times that a k-mer is hidden at least to have an accuracy of its own. frequent: number of commonest
    k-mers that are compared with the others. taus: of the clusters. bootstrap: samples.

    Returns
    -------
    table: statistics by span, targets, reader and block, with intervals. tokens: of each k-mer. sequences: accuracy of
    each sequence beside the classifier's confidence. findings.
    """
    first = len(SPECIAL_TOKENS)
    kmers, (hidden, rows, encoded) = read_vocabulary(vocabulary), tables.read_targets(targets, test)
    cells = count_slots(open_split(train))
    majorities = geometry.slot_majorities(*cells, first, encoded.shape[1])
    tokens = pd.DataFrame({"kmer": kmers, "slot": common_slots(*cells, first, len(kmers))})
    tokens["majority"] = tokens.index.isin(majorities)
    tokens["frequency"] = np.where(tokens.index < first, 0, np.bincount(cells[0], cells[2], len(kmers))).astype(int)
    hidden["majority"] = majorities[hidden["slot"].to_numpy(int)]
    sequences, inputs = pd.read_parquet(predictions).iloc[rows], number_inputs(encoded)
    certainty = sequences[[f"p_{name}" for name in classes]].max(axis=1).to_numpy(float)
    sequences = sequences[["class", "accession", "correct"]].assign(input=inputs, confidence=certainty)
    n, intervals = len(np.unique(inputs)), (inputs, bootstrap, confidence, seed)
    blocks = sum(name.startswith("block_") for name in hidden)
    readers = [*(("block", block) for block in range(blocks)), ("own", blocks - 1), ("majority", None)]
    names = [name if name != "block" else f"block_{block}" for name, block in readers]
    often = tokens["majority"].to_numpy(), min_targets
    scored, of_tokens, of_sequences = [], [], []

    def score(reading: geometry.Reading, place: dict) -> None:
        settings = (tokens["frequency"].to_numpy(), *often, frequent)
        found = estimates(lambda of: tables.by_reader(geometry.scores(reading, of, *settings), readers), *intervals)
        scored.append(tables.score_table(place, found, n, geometry.correlated_kmers(reading, *often), confidence))
        for subset, part in {"all": reading, "differing": reading.differing}.items():
            counts = geometry.token_counts(part, len(kmers))
            of_tokens.append(tables.token_table(tokens, *counts, readers).assign(subset=subset, **place))

    for span, of_span in hidden.groupby("span"):
        for name, chosen in {"modified": of_span, "masked": of_span[of_span["masked"]]}.items():
            arrays = chosen["row"].to_numpy(), chosen["token"].to_numpy(), chosen[names].to_numpy()
            reading, place = geometry.Reading(len(rows), *arrays), {"span": span, "targets": name}
            score(reading, place)
        # Of the masked k-mers, the last that were scored.
        accuracy = geometry.input_accuracies(reading, blocks - 1, encoded, min_targets, len(kmers))
        found = estimates(partial(geometry.line, accuracy, certainty), *intervals)
        last = place | {"reader": "block", "block": blocks - 1}
        scored.append(tables.estimate_table(last, found, ["statistic"], n))
        of_sequences.append(sequences.assign(span=span, mean_apt=accuracy))
    table = tables.stacked(scored, tables.SCORES)
    return {
        "table": table,
        "tokens": tables.stacked(of_tokens, tables.TOKENS),
        "sequences": tables.stacked(of_sequences, tables.SEQUENCES),
        "findings": findings_table(tables.findings(table, read_tsv(clusters), taus)),
    }
