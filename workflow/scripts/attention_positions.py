"""Test whether more attention is paid to the positions that define a class than to others like them."""

from pathlib import Path

import numpy as np
import torch

from spikegeometry.dataset import kmers
from spikegeometry.dataset.domains import read_domains
from spikegeometry.evaluation import position_findings, position_tests
from spikegeometry.evaluation.findings import findings_table
from spikegeometry.evaluation.summaries import distinct, labelled_sequences
from spikegeometry.genomes.definitions import defined_in_gene, sites
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
params, paths, (start, end) = snakemake.params, snakemake.input, snakemake.params.gene
torch.set_num_threads(snakemake.threads)
shape, weights = read_shape(paths.model), read_layers(paths.model)
recorded = Recorded(Path(paths.hidden_states).parent)
layers = choose(params.layers, range(1, shape.layers + 1), "analyses.attention_positions.layers")
heads = choose(params.heads, range(1, shape.heads + 1), "analyses.attention_positions.heads")
classes = choose(params.selected_classes, params.classes, "analyses.attention_positions.classes")
cut, spikes = (params.k, params.stride), read_forms(paths.spikes, recorded.sequences["accession"])
reference = read_single(paths.reference).sequence[start - 1 : end]
training = position_tests.training_spikes(paths.spikes, paths.splits, params.analysed_per_class, params.seed)
slots, received, native = kmers.kmer_count(len(reference), *cut), {}, params.coordinates == "native"
mutations = defined_in_gene(paths.definitions, params.classes, params.share, start, end, native)
defined = sites(mutations, *kmers.token_bases(np.arange(1, slots + 1), *cut))
positions = position_tests.position_table(training, reference, read_domains(paths.domains), classes, defined, *cut)


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
places, resampling = position_tests.place_table(layers, PROFILES, heads), (params.confidence, params.seed)
table = position_tests.position_tests(positions, received, places, *params.draws, *resampling)
write_tsv(table, snakemake.output.table)
write_tsv(findings_table(position_findings.position_findings(table, params.confidence)), snakemake.output.findings)
write_tsv(positions, snakemake.output.positions)
write_parquet(position_tests.mean_profiles(received, places), snakemake.output.profiles)
