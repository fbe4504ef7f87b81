"""Measure the lengths of queries, keys, values, outputs and inputs of every head, against their bounds."""

from pathlib import Path

import torch

from spikegeometry.evaluation.summaries import TokenMeans, class_means, labelled_sequences, measurement_table
from spikegeometry.geometry.heads import head_tensors, token_numbers
from spikegeometry.geometry.selection import choose
from spikegeometry.geometry.vector_norms import STATISTICS, statistics, stretches, vector_norms
from spikegeometry.logs import configure_logging
from spikegeometry.model.activations import Recorded
from spikegeometry.model.weights import read_layers, read_shape
from spikegeometry.tables import write_parquet, write_tsv

VARIANTS = {"all": slice(None), "without_special": slice(1, -1)}

configure_logging(snakemake.log[0])
params = snakemake.params
torch.set_num_threads(snakemake.threads)
shape, weights = read_shape(snakemake.input.model), read_layers(snakemake.input.model)
recorded = Recorded(Path(snakemake.input.hidden_states).parent)
layers = choose(params.layers, range(1, shape.layers + 1), "analyses.vector_norms.layers")
heads = choose(params.heads, range(1, shape.heads + 1), "analyses.vector_norms.heads")
classes = choose(params.selected_classes, params.classes, "analyses.vector_norms.classes")
rows = [head - 1 for head in heads]
largest = {layer: stretches(weights[layer - 1], shape.heads) for layer in layers}
of_tokens = TokenMeans(heads, token_numbers(recorded.sequences["length"].max()))


def measure():
    for sequence, hidden in labelled_sequences(recorded, classes):
        for layer in layers:
            below, block = hidden[layer - 1], weights[layer - 1]
            tensors = head_tensors(below, block, shape.heads, shape.eps)
            found = vector_norms(below, tensors, block, largest[layer], rows)
            for site, norms in found.items():
                of_tokens.add(sequence["input"], layer, site, norms.length.numpy())
                place = sequence | {"layer": layer, "head": None if site == "X" else heads, "site": site}
                for variant, tokens in VARIANTS.items():
                    yield place | {"variant": variant} | statistics(norms, found["A"], tokens)


measurements = measurement_table(measure())
places = ["layer", "head", "site", "variant"]
means = class_means(measurements, classes, places, list(STATISTICS), params.confidence)
write_parquet(measurements, snakemake.output.sequences)
write_parquet(of_tokens.table(), snakemake.output.tokens)
write_tsv(means, snakemake.output.table)
