"""Follow attention from a token of the last layer down to the input tokens of every recorded sequence."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from spikegeometry.dataset.domains import read_domains, token_places
from spikegeometry.evaluation.summaries import Records, class_means, labelled_sequences, measurement_table
from spikegeometry.geometry import attention_flow as geometry
from spikegeometry.geometry.heads import attention_maps, token_numbers
from spikegeometry.geometry.rollout import mixed_maps, rollout_by_layer
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import configure_logging
from spikegeometry.model.activations import Recorded
from spikegeometry.model.weights import read_head, read_layers, read_shape
from spikegeometry.tables import write_parquet, write_tsv

configure_logging(snakemake.log[0])
params = snakemake.params
torch.set_num_threads(snakemake.threads)
shape, weights = read_shape(snakemake.input.model), read_layers(snakemake.input.model)
classifier = read_head(snakemake.input.model)
recorded = Recorded(Path(snakemake.input.hidden_states).parent)
rows_of_heads = [i - 1 for i in choose(params.heads, range(1, shape.heads + 1), "analyses.attention_flow.heads")]
classes = choose(params.selected_classes, params.classes, "analyses.attention_flow.classes")
of_tokens, of_layers, of_sequences, checked = Records(), Records(), Records(), set()


def sample_sinks(name, n):
    """Input tokens to check the bounds at: a seeded sample in the first sequence of each class."""
    wanted = 0 if name in checked else min(n, params.exact_sinks)
    checked.add(name)
    return np.random.default_rng([params.seed, params.classes.index(name)]).choice(n, wanted, replace=False).tolist()


for sequence, hidden in labelled_sequences(recorded, classes):
    mixes = mixed_maps(hidden, weights, shape.heads, shape.eps, rows_of_heads, params.weights, params.residual)
    n, numbers = hidden.shape[1], token_numbers(hidden.shape[1])
    (source,) = choose([params.source], numbers[:-1], "analyses.attention_flow.source")
    drawn, whole = geometry.follow(mixes, source)
    importance = geometry.gradient_times_input(hidden[0], weights, classifier, shape)
    last = attention_maps(hidden[-2], weights[-1], shape.heads)[rows_of_heads, source].mean(dim=0)
    whole |= geometry.rank_correlations(drawn | {"attention": last}, importance)
    drawn |= {"gradient_input": importance}
    exact, gaps = geometry.check_bounds(mixes, source, drawn["flow_bound"], sample_sinks(sequence["class"], n))
    of_tokens.append(sequence | {"token": numbers} | drawn | {"flow_exact": exact})
    of_sequences.append(sequence | {"token": np.nan} | whole | gaps)
    for layer, rolled in enumerate(rollout_by_layer(mixes, source), start=1):
        of_layers.append(sequence | {"layer": layer, "token": numbers, "rollout": rolled})

places = token_places(read_domains(snakemake.input.domains), recorded.tokens.shape[1] - 2, params.k, params.stride)
measurements = measurement_table(of_tokens).merge(places, "left", "token")
means = class_means(measurements, classes, ["token"], [*drawn, "flow_exact"], params.confidence)
overall = class_means(measurement_table(of_sequences), classes, ["token"], [*whole, *gaps], params.confidence)
by_layer = class_means(measurement_table(of_layers), classes, ["layer", "token"], ["rollout"], params.confidence)
write_parquet(measurements, snakemake.output.sequences)
write_parquet(by_layer, snakemake.output.layers)
write_tsv(pd.concat([overall, means]).merge(places, "left", "token"), snakemake.output.table)
