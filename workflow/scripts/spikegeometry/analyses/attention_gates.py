"""Scores of the attention patterns ("gates") of every head, and the names that these give it."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from spikegeometry.analyses.study import Study
from spikegeometry.geometry.attention_gates import gate_labels
from spikegeometry.geometry.heads import kmer_maps
from spikegeometry.geometry.patterns import SCORES, SIMPLEX, gate_scores
from spikegeometry.stats.summaries import class_means, label_shares, measurement_table

PLACES = ["layer", "head", "variant"]


def measure(study: Study, threshold: float) -> dict[str, pd.DataFrame]:
    """Gate scores of each head, among all tokens (variant `raw`) and among k-mers alone (`kmers`).

    Parameters
    ----------
    study: a network and its recorded sequences.
    threshold: a head has the name of its highest score where that is above it.

    Returns
    -------
    table: means by class, layer, head and variant, with intervals, and the share of sequences with each name.
    sequences: in each sequence.
    """
    measurements = measurement_table(_scores(study, threshold))
    statistics = ["sink", *SCORES, *SIMPLEX]
    means = class_means(measurements, study.classes, PLACES, statistics, study.confidence)
    shares = label_shares(measurements, study.classes, PLACES, "label", study.confidence)
    return {"table": pd.concat([shares, means]), "sequences": measurements}


def _scores(study: Study, threshold: float) -> Iterator[dict]:
    for sequence, hidden in study.sequences():
        for layer in study.layers:
            maps = study.maps(hidden, layer)
            among_kmers, kmer_mass = kmer_maps(maps)
            sinks = {"raw": 1 - kmer_mass.mean(dim=-1), "kmers": np.nan}
            for variant, chosen in {"raw": maps, "kmers": among_kmers}.items():
                scores = gate_scores(chosen)
                label = gate_labels(scores, threshold)
                place = {"layer": layer, "head": study.heads, "variant": variant}
                yield sequence | place | {"sink": sinks[variant], "label": label} | scores
