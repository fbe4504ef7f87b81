"""Average the attention maps of every head over the sequences of each class, and list the pairs of tokens they join."""

from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from spikegeometry.evaluation.attention_tables import appending, difference_table, pair_table, token_table
from spikegeometry.evaluation.summaries import class_means, distinct, labelled_sequences, measurement_table
from spikegeometry.geometry.attention_maps import MapSums, class_distances, frequent_pairs
from spikegeometry.geometry.heads import attention_maps
from spikegeometry.geometry.patterns import special_shares
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import configure_logging
from spikegeometry.model.activations import Recorded
from spikegeometry.model.weights import read_layers, read_shape
from spikegeometry.tables import atomic_path, create_array, write_parquet, write_tsv

configure_logging(snakemake.log[0])
params, output = snakemake.params, snakemake.output
torch.set_num_threads(snakemake.threads)
shape, weights = read_shape(snakemake.input.model), read_layers(snakemake.input.model)
recorded = Recorded(Path(snakemake.input.hidden_states).parent)
layers = choose(params.layers, range(1, shape.layers + 1), "analyses.attention_maps.layers")
heads = choose(params.heads, range(1, shape.heads + 1), "analyses.attention_maps.heads")
classes = choose(params.selected_classes, params.classes, "analyses.attention_maps.classes")
rows_of_heads = [head - 1 for head in heads]
of_all_tests = np.load(snakemake.input.attention, allow_pickle=False)
present = [name for name in classes if (recorded.sequences["class"] == name).any()]
kmers = recorded.tokens.shape[1] - 2


def measure():
    for name, of_class in groupby(labelled_sequences(recorded, classes), key=lambda member: member[0]["class"]):
        members, test_means = list(distinct(of_class)), of_all_tests[name]
        for row, layer in enumerate(layers):
            sums = MapSums(len(heads), kmers + 2, params.thresholds, params.kappa)
            for sequence, hidden in members:
                maps = attention_maps(hidden[layer - 1], weights[layer - 1], shape.heads)[rows_of_heads]
                yield sequence | {"layer": layer, "head": heads} | special_shares(maps) | sums.add(maps)
            means[present.index(name), row] = sums.kmer_means
            add_tokens(token_table(name, layer, heads, sums.token_means, params.k, params.stride))
            cells, mean = frequent_pairs(sums.frequencies, params.min_frequency), test_means[layer - 1, rows_of_heads]
            add_pairs(pair_table(name, layer, heads, cells, mean, sums.frequencies, params.k, params.stride))


# Written part by part, because the maps and pairs of all classes and layers are large.
with atomic_path(output.means) as path, appending(output.tokens) as add_tokens, appending(output.pairs) as add_pairs:
    means = create_array(path, (len(present), len(layers), len(heads), kmers, kmers))
    measurements = measurement_table(measure())
    distances = class_distances(torch.from_numpy(means))
statistics = list(measurements.columns.drop(["class", "sequence", "correct", "input", "layer", "head"]))
table = class_means(measurements, classes, ["layer", "head"], statistics, params.confidence)
counts = measurements.groupby("class")["input"].nunique()[present]
differences = difference_table(distances, {"layer": layers, "head": heads}, counts)
write_parquet(measurements, output.sequences)
write_tsv(pd.concat([table, differences]), output.table)
