"""Measure how much attention goes into each domain of the protein, and test it against turns of the same attention."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from spikegeometry.dataset.domains import domain_shares, domains_of_kmers, read_parts
from spikegeometry.evaluation.domain_pairs import pair_table
from spikegeometry.evaluation.domain_tests import contrast_table, domain_table
from spikegeometry.evaluation.summaries import ALL_CLASSES, distinct, labelled_sequences, measurement_table
from spikegeometry.evaluation.top_heads import top_heads
from spikegeometry.geometry.attention_domains import TurnedShares, measure_heads
from spikegeometry.geometry.heads import attention_maps
from spikegeometry.geometry.placement import token_bases
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import configure_logging
from spikegeometry.model.activations import Recorded
from spikegeometry.model.weights import read_layers, read_shape
from spikegeometry.spikes.summary import read_forms
from spikegeometry.tables import write_parquet, write_tsv

configure_logging(snakemake.log[0])
params = snakemake.params
torch.set_num_threads(snakemake.threads)
shape, weights = read_shape(snakemake.input.model), read_layers(snakemake.input.model)
recorded = Recorded(Path(snakemake.input.hidden_states).parent)
layers = choose(params.layers, range(1, shape.layers + 1), "analyses.attention_domains.layers")
heads = choose(params.heads, range(1, shape.heads + 1), "analyses.attention_domains.heads")
classes = choose(params.selected_classes, params.classes, "analyses.attention_domains.classes")
parts, cut = read_parts(snakemake.input.domains, snakemake.input.regions), (params.k, params.stride)
parts = parts[parts["name"].isin(domains_of_kmers(parts, recorded.tokens.shape[1] - 2, *cut))]
cells = {"head": np.repeat(heads, len(parts)), "domain": np.tile(parts["name"], len(heads))}
spikes, turned = read_forms(snakemake.input.spikes, recorded.sequences["accession"]), TurnedShares()


def measure():
    for sequence, hidden in distinct(labelled_sequences(recorded, classes)):
        bases = token_bases(*spikes.loc[sequence["sequence"]], params.coordinates, *cut)
        membership = torch.from_numpy(domain_shares(parts, bases[: hidden.shape[1] - 2]))
        for layer in layers:
            maps = attention_maps(hidden[layer - 1], weights[layer - 1], shape.heads)[[head - 1 for head in heads]]
            for variant, shares, measured in measure_heads(maps, membership, params.threshold):
                for name in (sequence["class"], ALL_CLASSES):
                    turned.add((name, layer, variant), shares, sequence["input"])
                yield sequence | {"layer": layer, "variant": variant} | cells | measured


measurements = measurement_table(measure())
shifts = measurement_table(
    dict(zip(("class", "layer", "variant"), key, strict=True)) | cells | {"p_shift": p.flatten()}
    for key, p in turned.p_values()
)
table = domain_table(measurements, shifts, classes, params.confidence)
write_tsv(top_heads(table), snakemake.output.top)
contrast = contrast_table(measurements, params.permutations, params.seed)
write_parquet(measurements, snakemake.output.sequences)
write_parquet(pair_table(measurements, params.confidence), snakemake.output.pairs)
write_tsv(pd.concat([table, contrast]), snakemake.output.table)
