"""Measure how much attention goes into each domain of the protein, and test it against turns of the same attention."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from spikegeometry.dataset.domains import domains_of_kmers, read_domains
from spikegeometry.evaluation.domain_tests import contrast_table, domain_table
from spikegeometry.evaluation.summaries import ALL_CLASSES, distinct, labelled_sequences, measurement_table
from spikegeometry.geometry.attention_domains import TurnedShares, arcs, profiles, shifted_shares
from spikegeometry.geometry.heads import attention_maps
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
layers = choose(params.layers, range(1, shape.layers + 1), "analyses.attention_domains.layers")
heads = choose(params.heads, range(1, shape.heads + 1), "analyses.attention_domains.heads")
classes = choose(params.selected_classes, params.classes, "analyses.attention_domains.classes")
rows_of_heads = [head - 1 for head in heads]
domains = domains_of_kmers(read_domains(snakemake.input.domains), recorded.tokens.shape[1] - 2, params.k, params.stride)
memberships = torch.from_numpy(domains.to_numpy(copy=True))
cells = {"head": np.repeat(heads, domains.shape[1]), "domain": np.tile(domains.columns, len(heads))}
turned = TurnedShares()


def measure():
    for sequence, hidden in distinct(labelled_sequences(recorded, classes)):
        membership = memberships[: hidden.shape[1] - 2]
        even = {"background": membership.mean(dim=0).repeat(len(heads)), "kmers": len(membership)}
        for layer in layers:
            maps = attention_maps(hidden[layer - 1], weights[layer - 1], shape.heads)[rows_of_heads]
            number, inside = arcs(maps, membership, params.threshold)
            of_arcs = {"arcs": number.repeat_interleave(domains.shape[1]), "arcs_inside": inside.flatten()}
            for variant, profile in profiles(maps).items():
                shares = shifted_shares(profile, membership)
                for name in (sequence["class"], ALL_CLASSES):
                    turned.add((name, layer, variant), shares)
                place = {"layer": layer, "variant": variant} | cells
                counted = of_arcs if variant == "kmers" else dict.fromkeys(of_arcs, np.nan)
                yield sequence | place | {"share": shares[..., 0].flatten()} | even | counted


measurements = measurement_table(measure())
shifts = measurement_table(
    dict(zip(("class", "layer", "variant"), key, strict=True)) | cells | {"p_shift": p.flatten()}
    for key, p in turned.p_values()
)
table = domain_table(measurements, shifts, classes, params.bootstrap, params.confidence, params.seed)
contrast = contrast_table(measurements, params.permutations, params.seed)
write_parquet(measurements, snakemake.output.sequences)
write_tsv(pd.concat([table, contrast]), snakemake.output.table)
