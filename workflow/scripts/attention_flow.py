"""Follow attention from [CLS] of the last layer down to the input tokens of every recorded sequence."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from spikegeometry.evaluation.summaries import class_means, labelled_sequences, measurement_table
from spikegeometry.geometry.attention_flow import check_bounds, follow
from spikegeometry.geometry.heads import CLS, attention_maps, token_numbers
from spikegeometry.geometry.rollout import residual_mix, rollout_by_layer
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import configure_logging
from spikegeometry.model.activations import Recorded
from spikegeometry.model.weights import read_layers, read_shape
from spikegeometry.tables import write_parquet, write_tsv

configure_logging(snakemake.log[0])
params = snakemake.params
torch.set_num_threads(snakemake.threads)
shape, weights = read_shape(snakemake.input.model), read_layers(snakemake.input.model)
recorded = Recorded(Path(snakemake.input.hidden_states).parent)
heads = choose(params.heads, range(1, shape.heads + 1), "analyses.attention_flow.heads")
classes = choose(params.selected_classes, params.classes, "analyses.attention_flow.classes")
rows_of_heads = [head - 1 for head in heads]
of_tokens, of_layers, of_sequences, checked = [], [], [], set()


def sample_sinks(name, n):
    """Input tokens to check the bounds at: a seeded sample in the first sequence of each class."""
    wanted = 0 if name in checked else min(n, params.exact_sinks)
    checked.add(name)
    return np.random.default_rng([params.seed, params.classes.index(name)]).choice(n, wanted, replace=False)


for sequence, hidden in labelled_sequences(recorded, classes):
    layers = zip(hidden, weights, strict=False)
    maps = (attention_maps(states, layer, shape.heads)[rows_of_heads] for states, layer in layers)
    mixes = torch.stack([residual_mix(attention, params.residual) for attention in maps])
    n, numbers = hidden.shape[1], token_numbers(hidden.shape[1])
    drawn, whole = follow(mixes, CLS)
    exact, gaps = check_bounds(mixes, CLS, drawn["flow_bound"], sample_sinks(sequence["class"], n).tolist())
    of_tokens.append(sequence | {"token": numbers} | drawn | {"flow_exact": exact})
    of_sequences.append(sequence | {"token": np.nan} | whole | gaps)
    for layer, rolled in enumerate(rollout_by_layer(mixes, CLS), start=1):
        of_layers.append(sequence | {"layer": layer, "token": numbers, "rollout": rolled})

measurements = measurement_table(of_tokens)
means = class_means(measurements, classes, ["token"], [*drawn, "flow_exact"], params.confidence)
overall = class_means(measurement_table(of_sequences), classes, ["token"], [*whole, *gaps], params.confidence)
by_layer = class_means(measurement_table(of_layers), classes, ["layer", "token"], ["rollout"], params.confidence)
write_parquet(measurements, snakemake.output.sequences)
write_parquet(by_layer, snakemake.output.layers)
write_tsv(pd.concat([overall, means]), snakemake.output.table)
