"""Measure how near the token vectors of every layer are to a normal sample, and count their values."""

from pathlib import Path

import torch

from spikegeometry.evaluation.summaries import class_means, class_profiles, labelled_sequences, measurement_table
from spikegeometry.geometry.activation_distributions import bin_counts, group_means, normality, token_summary
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import configure_logging
from spikegeometry.model.activations import Recorded
from spikegeometry.tables import write_parquet, write_tsv

PLACES = ["layer", "token", "variant"]

configure_logging(snakemake.log[0])
params = snakemake.params
torch.set_num_threads(snakemake.threads)
recorded = Recorded(Path(snakemake.input.hidden_states).parent)
layers = choose(params.layers, range(1, recorded.hidden_states.shape[1]), "analyses.activation_distributions.layers")
classes = choose(params.selected_classes, params.classes, "analyses.activation_distributions.classes")
histograms, sums = [], []


def measure():
    for sequence, hidden in labelled_sequences(recorded, classes):
        for layer in (0, *layers):  # layer 0 is the embeddings
            vectors = hidden[layer]
            place = {"class": sequence["class"], "input": sequence["input"], "layer": layer}
            bins, counts = bin_counts(vectors, params.bin_width)
            histograms.append(place | {"bin": bins, "value": counts})
            sums.append(place | {"coordinate": range(1, vectors.shape[1] + 1), "value": vectors.double().sum(dim=0)})
            for variant, shape in normality(vectors, params.outlier).items():
                for token, means in group_means(token_summary(shape, params.alpha)).items():
                    yield sequence | {"layer": layer, "token": token, "variant": variant} | means


measurements = measurement_table(measure())
statistics = [name for name in measurements if name not in {"class", "sequence", "correct", "input", *PLACES}]
table = class_means(measurements, classes, PLACES, statistics, params.confidence)
histogram = class_profiles(measurement_table(histograms), classes, ["layer", "bin"])
columns = class_profiles(measurement_table(sums), classes, ["layer", "coordinate"])
write_parquet(measurements, snakemake.output.sequences)
write_parquet(histogram.assign(low=histogram["bin"] * params.bin_width), snakemake.output.histogram)
write_parquet(columns, snakemake.output.columns)
write_tsv(table, snakemake.output.table)
