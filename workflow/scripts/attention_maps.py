"""Average the attention maps of every head over the sequences of each class, and list the pairs of tokens they join."""

from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.lib.format import open_memmap

from spikegeometry.evaluation.attention_tables import difference_table, pair_table, token_table
from spikegeometry.evaluation.summaries import class_means, distinct, labelled_sequences, measurement_table
from spikegeometry.geometry.attention_maps import MapSums, class_distances, frequent_pairs, special_shares
from spikegeometry.geometry.heads import attention_maps
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
rows_of_heads = [head - 1 for head in heads]
of_all_tests = np.load(snakemake.input.attention, allow_pickle=False)
present = [name for name in classes if (recorded.sequences["class"] == name).any()]
kmers = recorded.tokens.shape[1] - 2
records, tokens, pairs = [], [], []

with atomic_path(snakemake.output.means) as partial:
    # On disk, because the maps of all classes and layers are large.
    means = open_memmap(partial, "w+", np.float32, (len(present), len(layers), len(heads), kmers, kmers))
    for name, of_class in groupby(labelled_sequences(recorded, classes), key=lambda member: member[0]["class"]):
        members = list(distinct(of_class))
        means_of_tests = of_all_tests[name]
        for row, layer in enumerate(layers):
            sums = MapSums(len(heads), kmers + 2, params.thresholds, params.kappa)
            for sequence, hidden in members:
                maps = attention_maps(hidden[layer - 1], weights[layer - 1], shape.heads)[rows_of_heads]
                statistics = special_shares(maps) | sums.add(maps)
                # Small tensors that stay would keep the memory of large ones around them from being used again.
                numbers = {statistic: values.tolist() for statistic, values in statistics.items()}
                records.append(sequence | {"layer": layer, "head": heads} | numbers)
            means[present.index(name), row] = sums.kmer_means
            tokens.append(token_table(name, layer, heads, sums.token_means, params.k, params.stride))
            frequencies, mean = sums.frequencies, means_of_tests[layer - 1, rows_of_heads]
            cells = frequent_pairs(frequencies, params.min_frequency)
            pairs.append(pair_table(name, layer, heads, cells, mean, frequencies, params.k, params.stride))
    measurements = measurement_table(records)
    distances = class_distances(torch.from_numpy(means))

table = class_means(measurements, classes, ["layer", "head"], list(statistics), params.confidence)
counts = measurements.groupby("class")["input"].nunique()
differences = difference_table(distances, {"layer": layers, "head": heads}, counts[present])
write_parquet(pd.concat(tokens), snakemake.output.tokens)
write_parquet(pd.concat(pairs), snakemake.output.pairs)
write_parquet(measurements, snakemake.output.sequences)
write_tsv(pd.concat([table, differences]), snakemake.output.table)
