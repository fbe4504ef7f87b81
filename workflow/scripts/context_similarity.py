"""Find the similar pairs of k-mers after every head and layer, and what is common to them, in every sequence."""

from itertools import product
from pathlib import Path

import numpy as np
import torch

from spikegeometry.dataset.domains import domains_of_kmers, read_domains
from spikegeometry.dataset.vocabulary import UNK, read_vocabulary
from spikegeometry.evaluation import context_tables
from spikegeometry.evaluation.findings import findings_table
from spikegeometry.evaluation.summaries import class_means, distinct, labelled_sequences, measurement_table
from spikegeometry.geometry.context_similarity import STATISTICS, example_maps, layer_similarity, possible_pairs
from spikegeometry.geometry.heads import head_tensors
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import configure_logging
from spikegeometry.model.activations import Recorded
from spikegeometry.model.weights import read_layers, read_shape
from spikegeometry.tables import atomic_path, write_parquet, write_tsv

configure_logging(snakemake.log[0])
params, paths, output = snakemake.params, snakemake.input, snakemake.output
torch.set_num_threads(snakemake.threads)
shape, weights = read_shape(paths.model), read_layers(paths.model)
recorded = Recorded(Path(paths.hidden_states).parent)
layers = choose(params.layers, range(1, shape.layers + 1), "analyses.context_similarity.layers")
heads = choose(params.heads, range(1, shape.heads + 1), "analyses.context_similarity.heads")
classes = choose(params.selected_classes, params.classes, "analyses.context_similarity.classes")
asked = choose(list(map(tuple, params.maps)), product(layers, heads), "analyses.context_similarity.maps")
cut, confidence = (params.k, params.stride), params.confidence
tokens = dict(zip(recorded.sequences["accession"], torch.tensor(recorded.tokens), strict=True))
domains = domains_of_kmers(read_domains(paths.domains), recorded.tokens.shape[1] - 2, *cut).to_numpy(copy=True)
closest = 1 if params.overlapping else (params.k - 1) // params.stride + 1
shares = [params.top, *(share for share in params.sensitivity if share != params.top)]
records = {"pairs": [], "distances": [], "attention": []}
for sequence, hidden in distinct(labelled_sequences(recorded, classes)):
    kmers = tokens[sequence["sequence"]][1 : hidden.shape[1] - 1]
    pairs = possible_pairs(kmers, torch.from_numpy(domains[: len(kmers)]), closest, UNK)
    for layer in layers:
        tensors = head_tensors(hidden[layer - 1], weights[layer - 1], shape.heads, shape.eps)
        for kind, record in layer_similarity(tensors, heads, pairs, shares, params.cosine):
            records[kind].append(sequence | {"layer": layer} | record)

pairs, distances, attention = map(measurement_table, records.values())
chosen = pairs[pairs["top"] == params.top]
unique = context_tables.anchor_uniqueness(chosen)
bins = ["layer", "measure", "variant", "shortest", "longest"]
write_parquet(pairs, output.sequences)
write_tsv(context_tables.context_table(pairs, attention, unique, classes, list(STATISTICS), confidence), output.table)
write_tsv(class_means(distances, classes, bins, ["share", "null"], confidence), output.distances)
write_tsv(findings_table(context_tables.context_findings(chosen, attention, unique, confidence)), output.findings)
anchors = context_tables.anchor_table(chosen, classes, read_vocabulary(paths.vocabulary), *cut, confidence)
write_tsv(anchors, output.anchors)
drawn = {}
for layer, head in asked if params.maps else context_tables.extreme_heads(chosen):
    tensors = head_tensors(hidden[layer - 1], weights[layer - 1], shape.heads, shape.eps)
    drawn |= {f"{layer} {head} {name}": one for name, one in example_maps(tensors.z[head - 1, 1:-1]).items()}
with atomic_path(output.maps) as partial:
    np.savez_compressed(partial, sequence=sequence["sequence"], **drawn)
