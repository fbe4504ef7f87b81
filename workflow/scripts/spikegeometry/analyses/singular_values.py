"""Ranks and singular values of the attention, values and outputs of every head, of its weights, and of the layers."""

from collections.abc import Iterable, Iterator

import pandas as pd

from spikegeometry.analyses.study import Study
from spikegeometry.geometry.heads import head_weights
from spikegeometry.geometry.singular_values import (
    STATISTICS,
    Spectrum,
    check_bounds,
    histogram,
    sites,
    spectrum,
    statistics,
)
from spikegeometry.stats.summaries import ALL_CLASSES, Records, class_means, measurement_table


def measure(study: Study, threshold: float) -> dict[str, pd.DataFrame]:
    """Effective and numerical ranks of each matrix.

    Parameters
    ----------
    study: a network and its recorded sequences.
    threshold: singular values count towards the rank above this share of the largest.

    Returns
    -------
    table: means by class, layer, head and site, with intervals. sequences: in each sequence. histograms: shares of the
    singular values by size.
    """
    measured, means, shares = _tables(study, threshold, _of_sequences(study))
    _, means_of_weights, shares_of_weights = _tables(study, threshold, _of_weights(study))
    return {
        "table": pd.concat([means, means_of_weights]),
        "sequences": measured,
        "histograms": pd.concat([shares, shares_of_weights]),
    }


def _of_sequences(study: Study) -> Iterator[tuple[dict, Spectrum]]:
    for sequence, hidden in study.sequences():
        for layer in study.layers:
            tensors = study.tensors(hidden, layer)
            found = {site: spectrum(matrices) for site, matrices in sites(tensors, hidden[layer], study.rows).items()}
            check_bounds(found["A"], found["V"], found["Z"])
            for site, of in found.items():
                heads = None if site == "Y" else study.heads
                yield sequence | {"layer": layer, "head": heads, "site": site}, of


def _of_weights(study: Study) -> Iterator[tuple[dict, Spectrum]]:
    for layer in study.layers:
        place = {"class": ALL_CLASSES, "input": 0, "layer": layer, "head": study.heads, "site": "W_v"}
        yield place, spectrum(head_weights(study.weights[layer - 1], "value", study.shape.heads)[study.rows])


def _tables(
    study: Study, threshold: float, spectra: Iterable[tuple[dict, Spectrum]]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    records, pooled = Records(), Records()
    for place, of in spectra:
        records.append(place | statistics(of, threshold))
        pooled.append(place | {"head": None} | histogram(of))
    measured, of_sizes = measurement_table(records), measurement_table(pooled)
    classes, confidence = study.classes, study.confidence
    means = class_means(measured, classes, ["layer", "head", "site"], list(STATISTICS), confidence)
    return measured, means, class_means(of_sizes, classes, ["layer", "site", "up_to"], ["share"], confidence)
