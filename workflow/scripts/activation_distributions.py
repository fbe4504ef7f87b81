"""Measure how near token vectors are to normal samples, and count the values of the layer outputs."""

from collections import defaultdict
from pathlib import Path

import torch

from spikegeometry.evaluation.summaries import (
    Records,
    class_means,
    class_profiles,
    labelled_sequences,
    measurement_table,
)
from spikegeometry.geometry.activation_distributions import bin_counts, samples, unit_means
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import configure_logging
from spikegeometry.model.activations import Recorded
from spikegeometry.model.weights import read_layers, read_shape
from spikegeometry.tables import write_parquet, write_tsv

PLACES = ["layer", "site", "unit", "token", "variant"]

configure_logging(snakemake.log[0])
params = snakemake.params
torch.set_num_threads(snakemake.threads)
recorded = Recorded(Path(snakemake.input.hidden_states).parent)
shape, weights = read_shape(snakemake.input.model), read_layers(snakemake.input.model)
layers = choose(params.layers, range(1, shape.layers + 1), "analyses.activation_distributions.layers")
classes = choose(params.selected_classes, params.classes, "analyses.activation_distributions.classes")
histograms, sums, detailed = Records(), Records(), defaultdict(set)


def measure():
    for sequence, hidden in labelled_sequences(recorded, classes):
        inputs = detailed[sequence["class"]]
        inputs |= {sequence["input"]} if len(inputs) < params.site_sequences else set()
        for layer in (0, *layers):  # layer 0 is the embeddings
            place = {"class": sequence["class"], "input": sequence["input"], "layer": layer}
            bins, counts = bin_counts(hidden[layer], params.bin_width)
            histograms.append(place | {"bin": bins, "value": counts})
            sums.append(place | {"coordinate": range(1, shape.hidden_size + 1), "value": hidden[layer].double().sum(0)})
            all_sites = sequence["input"] in inputs
            for site, unit, vectors in samples(hidden, layer, weights, shape.heads, shape.eps, all_sites):
                for token, variant, means in unit_means(vectors, unit, params.outlier, params.alpha):
                    yield sequence | dict(zip(PLACES, (layer, site, unit, token, variant), strict=True)) | means


measurements = measurement_table(measure())
statistics = [name for name in measurements if name not in {"class", "sequence", "correct", "input", *PLACES}]
histogram = class_profiles(measurement_table(histograms), classes, ["layer", "bin"])
write_parquet(measurements, snakemake.output.sequences)
write_parquet(histogram.assign(low=histogram["bin"] * params.bin_width), snakemake.output.histogram)
write_parquet(class_profiles(measurement_table(sums), classes, ["layer", "coordinate"]), snakemake.output.columns)
write_tsv(class_means(measurements, classes, PLACES, statistics, params.confidence), snakemake.output.table)
