"""Average the attention maps of every head over the sequences of each class, and list the pairs of tokens they join."""

from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from spikegeometry.evaluation.attention_tables import difference_table, pair_table, token_table
from spikegeometry.evaluation.summaries import class_means, distinct, labelled_sequences, measurement_table
from spikegeometry.geometry.attention_maps import MapSums, class_distances, frequent_pairs
from spikegeometry.geometry.heads import attention_maps
from spikegeometry.geometry.patterns import special_shares
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import configure_logging
from spikegeometry.model.activations import Recorded
from spikegeometry.model.weights import read_layers, read_shape
from spikegeometry.tables import atomic_path, write_parquet, write_tsv

configure_logging(snakemake.log[0])
params = snakemake.params
torch.set_num_threads(snakemake.threads)
shape, weights = read_shape(snakemake.input.model), read_layers(snakemake.input.model)
recorded = Recorded(Path(snakemake.input.hidden_states).parent)
layers = choose(params.layers, range(1, shape.layers + 1), "analyses.attention_maps.layers")
heads = choose(params.heads, range(1, shape.heads + 1), "analyses.attention_maps.heads")
classes = choose(params.selected_classes, params.classes, "analyses.attention_maps.classes")
axes = {"layer": layers, "head": heads}
rows_of_heads = [head - 1 for head in heads]
of_all_tests = np.load(snakemake.input.attention, allow_pickle=False)
records, means, tokens, pairs = [], {}, [], []

members = labelled_sequences(recorded, classes)
for name, of_class in groupby(members, key=lambda member: member[0]["class"]):
    sums = MapSums(len(layers), len(heads), recorded.tokens.shape[1], params.thresholds, params.kappa)
    for sequence, hidden in distinct(of_class):
        sums.add_sequence(hidden.shape[1])
        for row, layer in enumerate(layers):
            maps = attention_maps(hidden[layer - 1], weights[layer - 1], shape.heads)[rows_of_heads]
            statistics = special_shares(maps) | sums.add(row, maps)
            records.append(sequence | {"layer": layer, "head": heads} | statistics)
    means[name] = sums.kmer_means
    tokens.append(token_table(name, axes, sums.token_means, params.k, params.stride))
    mean = of_all_tests[name][np.ix_([layer - 1 for layer in layers], rows_of_heads)]
    frequencies = sums.frequencies
    cells = frequent_pairs(frequencies, params.min_frequency)
    pairs.append(pair_table(name, axes, cells, mean, frequencies, params.k, params.stride))

measurements = measurement_table(records)
table = class_means(measurements, classes, ["layer", "head"], list(statistics), params.confidence)
counts = measurements.groupby("class")["input"].nunique()
stacked = torch.stack(list(means.values()))
differences = difference_table(class_distances(stacked), axes, counts[list(means)])
with atomic_path(snakemake.output.means) as partial, open(partial, "wb") as file:
    np.save(file, stacked.numpy(), allow_pickle=False)
write_parquet(pd.concat(tokens), snakemake.output.tokens)
write_parquet(pd.concat(pairs), snakemake.output.pairs)
write_parquet(measurements, snakemake.output.sequences)
write_tsv(pd.concat([table, differences]), snakemake.output.table)
