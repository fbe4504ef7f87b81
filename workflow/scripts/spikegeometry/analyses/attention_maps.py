"""Mean attention maps of every head over the sequences of each class, and the pairs of tokens that they join."""

from collections.abc import Callable, Iterator
from itertools import groupby

import numpy as np
import pandas as pd
import torch

from spikegeometry.analyses.study import Study
from spikegeometry.analyses.tables.attention_tables import difference_table, pair_table, token_table
from spikegeometry.geometry.attention_maps import MapSums, class_distances, frequent_pairs
from spikegeometry.geometry.patterns import special_shares
from spikegeometry.stats.summaries import class_means, distinct, measurement_table

Append = Callable[[pd.DataFrame], None]


def present_classes(study: Study) -> list[str]:
    """Classes of which a sequence is recorded, in order: those of the mean maps."""
    return [name for name in study.classes if (study.recorded.sequences["class"] == name).any()]


def map_shape(study: Study) -> tuple[int, int, int, int, int]:
    """Shape of the mean maps: classes, layers, heads, k-mers, k-mers."""
    kmers = study.recorded.tokens.shape[1] - 2
    return len(present_classes(study)), len(study.layers), len(study.heads), kmers, kmers


def measure(
    study: Study,
    attention: str,
    means: np.ndarray,
    add_tokens: Append,
    add_pairs: Append,
    thresholds: list[float],
    kappa: float,
    min_frequency: float,
    k: int,
    stride: int,
) -> dict[str, pd.DataFrame]:
    """Mean maps of the classes, what stands out in them, and how far those of two classes are apart.

    Maps and pairs of all classes and layers are large, hence they are handed out part by part.

    Parameters
    ----------
    study: a network and its recorded sequences.
    attention: attention_mean.npz of the activations.
    means: float32 of `map_shape`, to be filled with the mean attention among k-mers.
    add_tokens, add_pairs: take the tables of attention by token, and of frequent pairs, of a class and layer.
    thresholds, kappa: a pair is high where its attention is above a threshold, or above kappa times uniform attention.
    min_frequency: share of a class's sequences in which a listed pair is high.
    k, stride: of the k-mers, in bases.

    Returns
    -------
    table: means by class, layer and head, with intervals, and the differences of classes. sequences: in each sequence.
    """
    with np.load(attention, allow_pickle=False) as of_all_tests:
        present = present_classes(study)

        def measured() -> Iterator[dict]:
            for name, of_class in groupby(study.sequences(), key=lambda member: member[0]["class"]):
                members, test_means = list(distinct(of_class)), of_all_tests[name]
                for row, layer in enumerate(study.layers):
                    sums = MapSums(len(study.heads), means.shape[-1] + 2, thresholds, kappa)
                    for sequence, hidden in members:
                        maps = study.maps(hidden, layer)
                        place = sequence | {"layer": layer, "head": study.heads}
                        yield place | special_shares(maps) | sums.add(maps)
                    means[present.index(name), row] = sums.kmer_means
                    add_tokens(token_table(name, layer, study.heads, sums.token_means, k, stride))
                    cells, mean = frequent_pairs(sums.frequencies, min_frequency), test_means[layer - 1, study.rows]
                    add_pairs(pair_table(name, layer, study.heads, cells, mean, sums.frequencies, k, stride))

        measurements = measurement_table(measured())
    distances = class_distances(torch.from_numpy(means))
    statistics = list(measurements.columns.drop(["class", "sequence", "correct", "input", "layer", "head"]))
    table = class_means(measurements, study.classes, ["layer", "head"], statistics, study.confidence)
    counts = measurements.groupby("class")["input"].nunique()[present]
    differences = difference_table(distances, {"layer": study.layers, "head": study.heads}, counts)
    return {"table": pd.concat([table, differences]), "sequences": measurements}
