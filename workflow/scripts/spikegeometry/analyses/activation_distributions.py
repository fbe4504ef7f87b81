"""How near token vectors are to normal samples, and the values of the layer outputs."""

from collections import defaultdict
from collections.abc import Iterator

import pandas as pd

from spikegeometry.analyses.study import Study
from spikegeometry.geometry.activation_distributions import bin_counts, samples, unit_means
from spikegeometry.stats.summaries import Records, class_means, class_profiles, measurement_table

PLACES = ["layer", "site", "unit", "token", "variant"]


def measure(
    study: Study, bin_width: float, outlier: float, alpha: float, site_sequences: int
) -> dict[str, pd.DataFrame]:
    """Statistics of the values at each site of each layer; the embeddings are layer 0.

    Parameters
    ----------
    study: a network and its recorded sequences.
    bin_width: of the histograms of layer outputs, in units of the values.
    outlier: a value is one beyond this many standard deviations.
    alpha: level of the tests of normality.
    site_sequences: distinct sequences of each class in which every site is measured; in the others, layer outputs.

    Returns
    -------
    table: means over the distinct sequences of each class, with intervals, by layer, site, unit, token and variant.
    sequences: the same statistics in each sequence. histogram: values of layer outputs by class, layer and bin (`low`
    is its lower end). columns: sums over tokens by class, layer and coordinate (from 1).
    """
    histograms, sums = Records(), Records()
    records = _measured(study, bin_width, outlier, alpha, site_sequences, histograms, sums)
    measurements = measurement_table(records)
    statistics = [name for name in measurements if name not in {"class", "sequence", "correct", "input", *PLACES}]
    histogram = class_profiles(measurement_table(histograms), study.classes, ["layer", "bin"])
    return {
        "table": class_means(measurements, study.classes, PLACES, statistics, study.confidence),
        "sequences": measurements,
        "histogram": histogram.assign(low=histogram["bin"] * bin_width),
        "columns": class_profiles(measurement_table(sums), study.classes, ["layer", "coordinate"]),
    }


def _measured(
    study: Study,
    bin_width: float,
    outlier: float,
    alpha: float,
    site_sequences: int,
    histograms: Records,
    sums: Records,
) -> Iterator[dict]:
    shape = study.shape
    detailed: defaultdict[str, set[int]] = defaultdict(set)
    for sequence, hidden in study.sequences():
        inputs = detailed[sequence["class"]]
        if len(inputs) < site_sequences:
            inputs.add(sequence["input"])
        for layer in (0, *study.layers):
            place = {"class": sequence["class"], "input": sequence["input"], "layer": layer}
            bins, counts = bin_counts(hidden[layer], bin_width)
            histograms.append(place | {"bin": bins, "value": counts})
            sums.append(place | {"coordinate": range(1, shape.hidden_size + 1), "value": hidden[layer].double().sum(0)})
            all_sites = sequence["input"] in inputs
            for site, unit, vectors in samples(hidden, layer, study.weights, shape.heads, shape.eps, all_sites):
                for token, variant, means in unit_means(vectors, unit, outlier, alpha):
                    yield sequence | dict(zip(PLACES, (layer, site, unit, token, variant), strict=True)) | means
