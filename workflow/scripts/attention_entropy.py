"""Measure how widely the attention of every head is spread, in every recorded sequence and in the means of classes."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from spikegeometry.evaluation.summaries import Records, class_means, label_shares, labelled_sequences, measurement_table
from spikegeometry.geometry.attention_entropy import SHARES, STATISTICS, paper_statistics, spread_variants
from spikegeometry.geometry.heads import attention_maps, token_numbers
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import configure_logging
from spikegeometry.model.activations import Recorded, read_mean_attention
from spikegeometry.model.weights import read_layers, read_shape
from spikegeometry.tables import write_parquet, write_tsv

PLACES = ["layer", "head", "variant"]

configure_logging(snakemake.log[0])
params = snakemake.params
torch.set_num_threads(snakemake.threads)
shape, weights = read_shape(snakemake.input.model), read_layers(snakemake.input.model)
recorded = Recorded(Path(snakemake.input.hidden_states).parent)
layers = choose(params.layers, range(1, shape.layers + 1), "analyses.attention_entropy.layers")
heads = choose(params.heads, range(1, shape.heads + 1), "analyses.attention_entropy.heads")
classes = choose(params.selected_classes, params.classes, "analyses.attention_entropy.classes")
rows_of_heads = [head - 1 for head in heads]
bins = {"head": np.repeat(heads, len(SHARES)), "share": np.tile(SHARES, len(heads))}
of_heads, of_tokens, of_sizes, of_means = Records(), Records(), Records(), Records()

for sequence, hidden in labelled_sequences(recorded, classes):
    for layer in layers:
        maps = attention_maps(hidden[layer - 1], weights[layer - 1], shape.heads)[rows_of_heads]
        place = sequence | {"layer": layer}
        variants = spread_variants(maps, params.mass)
        for variant, spread in variants.items():
            of_heads.append(place | {"head": heads, "variant": variant, "regime": spread.regimes} | spread.statistics)
        raw = variants["raw"]
        of_tokens.append(place | {"token": token_numbers(hidden.shape[1]), "H_norm": raw.entropy_by_token})
        of_sizes.append(place | bins | {"queries": raw.share_histogram.flatten()})

for name, count, means in read_mean_attention(snakemake.input.attention, classes):
    for layer in layers:
        place = {"class": name, "layer": layer, "head": heads, "variant": "class_mean", "n": count}
        of_means.append(place | paper_statistics(means[layer - 1, rows_of_heads], params.histogram_bins))

measurements = measurement_table(of_heads)
shares = label_shares(measurements, classes, PLACES, "regime", params.confidence)
table = class_means(measurements, classes, PLACES, list(STATISTICS), params.confidence)
paper = measurement_table(of_means).melt(["class", *PLACES, "n"], var_name="statistic")
tokens = class_means(measurement_table(of_tokens), classes, ["layer", "token"], ["H_norm"], params.confidence)
sizes = class_means(measurement_table(of_sizes), classes, ["layer", "head", "share"], ["queries"], params.confidence)
write_parquet(measurements, snakemake.output.sequences)
write_parquet(tokens, snakemake.output.tokens)
write_parquet(sizes, snakemake.output.sizes)
write_tsv(pd.concat([shares, table, paper]), snakemake.output.table)
