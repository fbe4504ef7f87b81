"""Measure ranks and singular values of the attention, weights, values and outputs of every head, and of the layers."""

from pathlib import Path

import pandas as pd
import torch

from spikegeometry.evaluation.summaries import ALL_CLASSES, Records, class_means, labelled_sequences, measurement_table
from spikegeometry.geometry.heads import head_tensors, head_weights
from spikegeometry.geometry.selection import choose
from spikegeometry.geometry.singular_values import STATISTICS, check_bounds, histogram, sites, spectrum, statistics
from spikegeometry.logs import configure_logging
from spikegeometry.model.activations import Recorded
from spikegeometry.model.weights import read_layers, read_shape
from spikegeometry.tables import write_parquet, write_tsv

configure_logging(snakemake.log[0])
params = snakemake.params
torch.set_num_threads(snakemake.threads)
shape, weights = read_shape(snakemake.input.model), read_layers(snakemake.input.model)
recorded = Recorded(Path(snakemake.input.hidden_states).parent)
layers = choose(params.layers, range(1, shape.layers + 1), "analyses.singular_values.layers")
heads = choose(params.heads, range(1, shape.heads + 1), "analyses.singular_values.heads")
classes = choose(params.selected_classes, params.classes, "analyses.singular_values.classes")
rows = [head - 1 for head in heads]


def measure():
    for sequence, hidden in labelled_sequences(recorded, classes):
        for layer in layers:
            tensors = head_tensors(hidden[layer - 1], weights[layer - 1], shape.heads, shape.eps)
            found = {site: spectrum(matrices) for site, matrices in sites(tensors, hidden[layer], rows).items()}
            check_bounds(found["A"], found["V"], found["Z"])
            for site, of in found.items():
                yield sequence | {"layer": layer, "head": None if site == "Y" else heads, "site": site}, of


def measure_weights():
    for layer in layers:
        place = {"class": ALL_CLASSES, "input": 0, "layer": layer, "head": heads, "site": "W_v"}
        yield place, spectrum(head_weights(weights[layer - 1], "value", shape.heads)[rows])


def tables(spectra):
    records, pooled = Records(), Records()
    for place, of in spectra:
        records.append(place | statistics(of, params.threshold))
        pooled.append(place | {"head": None} | histogram(of))
    measured = measurement_table(records)
    means = class_means(measured, classes, ["layer", "head", "site"], list(STATISTICS), params.confidence)
    pooled = measurement_table(pooled)
    return measured, means, class_means(pooled, classes, ["layer", "site", "up_to"], ["share"], params.confidence)


measured, means, shares = tables(measure())
_, means_of_weights, shares_of_weights = tables(measure_weights())
write_parquet(measured, snakemake.output.sequences)
write_tsv(pd.concat([means, means_of_weights]), snakemake.output.table)
write_tsv(pd.concat([shares, shares_of_weights]), snakemake.output.histograms)
