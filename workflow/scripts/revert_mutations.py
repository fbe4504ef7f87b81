"""Put each mutation of the first genomes of a query back, and measure what that takes from the answer."""

from itertools import islice

import pandas as pd

from spikegeometry.dataset.encoding import Encoder
from spikegeometry.dataset.reading import spike_batches
from spikegeometry.dataset.vocabulary import read_vocabulary
from spikegeometry.genomes.fasta import read_single
from spikegeometry.logs import configure_logging, progress
from spikegeometry.model.classifier import load_classifier
from spikegeometry.model.reversion import carried
from spikegeometry.model.runtime import prepare
from spikegeometry.sequences.mutations import reverted
from spikegeometry.tables import write_tsv

# Genomes whose sequences, with each mutation put back, are in memory at once.
GENOMES = 64

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
model = load_classifier(given.model, params.classes, prepare(params.device, params.threads))
encoder = Encoder(read_vocabulary(given.vocabulary), params.stride)
gene = read_single(given.reference).sequence.upper()[params.start - 1 : params.end]
is_projected = params.coordinates == "projected"

columns = ["accession", "projected", "insertions", "deletions"]
batches = spike_batches(given.spikes, columns)
genomes = (row for batch in batches for row in zip(*(column.to_pylist() for column in batch.columns), strict=True))
rows = []
explained = progress(islice(genomes, params.explained), "genomes read")
while some := list(islice(explained, GENOMES)):
    names, groups = [], []
    for accession, projected, insertions, deletions in some:
        found, group = reverted(projected, insertions, deletions, gene, is_projected)
        groups.append(group)
        names.append([(accession, one.name, one.residue) for one in found])
    for described, lost in zip(names, carried(model, encoder, groups, params.batch_size), strict=True):
        rows += [(*name, value) for name, value in zip(described, lost, strict=True)]
write_tsv(pd.DataFrame(rows, columns=["accession", "mutation", "residue", "carried"]), snakemake.output.reversions)
