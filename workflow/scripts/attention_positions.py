"""Test whether more attention is paid to the positions that define a class than to others like them."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from spikegeometry.dataset.domains import read_domains
from spikegeometry.evaluation.position_tests import mean_profiles, position_table, position_tests, training_spikes
from spikegeometry.evaluation.summaries import distinct, labelled_sequences
from spikegeometry.genomes.fasta import read_single
from spikegeometry.geometry.attention_positions import slot_profiles
from spikegeometry.geometry.heads import PROFILES, attention_maps, profiles
from spikegeometry.geometry.placement import nearest_slots, token_bases
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import configure_logging
from spikegeometry.model.activations import Recorded
from spikegeometry.model.weights import read_layers, read_shape
from spikegeometry.spikes.summary import read_forms
from spikegeometry.tables import write_parquet, write_tsv

configure_logging(snakemake.log[0])
params, paths = snakemake.params, snakemake.input
torch.set_num_threads(snakemake.threads)
shape, weights = read_shape(paths.model), read_layers(paths.model)
recorded = Recorded(Path(paths.hidden_states).parent)
layers = choose(params.layers, range(1, shape.layers + 1), "analyses.attention_positions.layers")
heads = choose(params.heads, range(1, shape.heads + 1), "analyses.attention_positions.heads")
classes = choose(params.selected_classes, params.classes, "analyses.attention_positions.classes")
cut, spikes = (params.k, params.stride), read_forms(paths.spikes, recorded.sequences["accession"])
reference = read_single(paths.reference).sequence[params.start - 1 : params.end]
training = training_spikes(paths.spikes, paths.splits, params.analysed_per_class, params.seed)
positions = position_table(training, reference, read_domains(paths.domains), classes, *cut, params.defining_share)
slots, received = positions["token"].max(), {}


def measure(sequence, hidden):
    """What each slot receives from k-mers and [CLS]: layers x heads x variants, slots."""
    nearest = nearest_slots(token_bases(*spikes.loc[sequence["sequence"]], params.coordinates, *cut), params.stride)
    nearest = torch.from_numpy(nearest[: hidden.shape[1] - 2])
    for layer in layers:
        maps = attention_maps(hidden[layer - 1], weights[layer - 1], shape.heads)[[head - 1 for head in heads]]
        for profile in profiles(maps).values():
            yield slot_profiles(profile, nearest, slots)


for sequence, hidden in distinct(labelled_sequences(recorded, classes)):
    received.setdefault(sequence["class"], []).append(torch.cat(list(measure(sequence, hidden))).numpy())
received = {name: np.stack(several) for name, several in received.items()}
places = pd.MultiIndex.from_product([layers, PROFILES, heads], names=["layer", "variant", "head"]).to_frame(index=False)
resampling = params.permutations, params.bootstrap, params.confidence, params.seed
write_tsv(position_tests(positions, received, places, params.matches, *resampling), snakemake.output.table)
write_tsv(positions, snakemake.output.positions)
write_parquet(mean_profiles(received, places), snakemake.output.profiles)
