"""The similar pairs of k-mers after every head and layer of every sequence, and what these have in common."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pandas as pd
import torch

from spikegeometry.analyses.study import Study
from spikegeometry.analyses.tables import context_tables
from spikegeometry.dataset.domains import domains_of_kmers, read_domains
from spikegeometry.dataset.vocabulary import UNK, read_vocabulary
from spikegeometry.geometry.context_similarity import STATISTICS, example_maps, layer_similarity, possible_pairs
from spikegeometry.geometry.selection import choose
from spikegeometry.stats.findings import findings_table
from spikegeometry.stats.summaries import class_means, distinct, measurement_table

BINS = ["layer", "measure", "variant", "shortest", "longest"]


def measure(
    study: Study,
    vocabulary: str,
    domains: str,
    top: float,
    sensitivity: Sequence[float],
    cosine: float,
    overlapping: bool,
    maps: Sequence[tuple[int, int]],
    k: int,
    stride: int,
) -> dict[str, pd.DataFrame | dict[str, np.ndarray]]:
    """Statistics of the most similar pairs of k-mers, against all pairs that are possible.

    Parameters
    ----------
    study: a network and its recorded sequences.
    vocabulary: of the k-mers. domains: table of parts of the protein.
    top: share of the pairs that count as similar; sensitivity: other shares. cosine: a pair above it counts as well.
    overlapping: whether pairs that share bases count. maps: layers and heads whose maps are kept as examples; without,
    those of extreme statistics. k, stride: of the k-mers, in bases.

    Returns
    -------
    table: means by class, layer, head, measure and variant, with intervals. sequences: in each sequence. distances:
    shares of pairs by distance. anchors: k-mers of most similar pairs. findings. maps: arrays of the last sequence.
    """
    asked = choose(list(map(tuple, maps)), product(study.layers, study.heads), "analyses.context_similarity.maps")
    cut, classes, confidence = (k, stride), study.classes, study.confidence
    parts = domains_of_kmers(read_domains(domains), study.recorded.tokens.shape[1] - 2, *cut).to_numpy(copy=True)
    closest = 1 if overlapping else (k - 1) // stride + 1
    shares = [top, *(share for share in sensitivity if share != top)]
    records: dict[str, list[dict]] = {"pairs": [], "distances": [], "attention": []}
    for sequence, hidden in distinct(study.sequences()):
        kmers = torch.tensor(study.tokens[sequence["sequence"]][1 : hidden.shape[1] - 1])
        pairs = possible_pairs(kmers, torch.from_numpy(parts[: len(kmers)]), closest, UNK)
        for layer in study.layers:
            for kind, record in layer_similarity(study.tensors(hidden, layer), study.heads, pairs, shares, cosine):
                records[kind].append(sequence | {"layer": layer} | record)

    similar, distances, attention = map(measurement_table, records.values())
    chosen = similar[similar["top"] == top]
    unique = context_tables.anchor_uniqueness(chosen)
    examples = {"sequence": np.array(sequence["sequence"])}
    for layer, head in asked if maps else context_tables.extreme_heads(chosen):
        found = example_maps(study.tensors(hidden, layer).z[head - 1, 1:-1])
        examples |= {f"{layer} {head} {name}": one for name, one in found.items()}
    return {
        "table": context_tables.context_table(similar, attention, unique, classes, list(STATISTICS), confidence),
        "sequences": similar,
        "distances": class_means(distances, classes, BINS, ["share", "null"], confidence),
        "anchors": context_tables.anchor_table(chosen, classes, read_vocabulary(vocabulary), *cut, confidence),
        "findings": findings_table(context_tables.context_findings(chosen, attention, unique, confidence)),
        "maps": examples,
    }
