"""Count the k-mers of the training split and write the vocabulary."""

import pandas as pd

from spikegeometry.dataset.reading import spike_batches
from spikegeometry.dataset.vocabulary import count_kmers, write_vocabulary
from spikegeometry.logs import configure_logging, progress
from spikegeometry.tables import write_tsv

configure_logging(snakemake.log[0])
coordinates = snakemake.params.coordinates
splits = pd.read_parquet(snakemake.input.splits, columns=["accession", "split"])
members = splits.loc[splits["split"] == "train", "accession"]
batches = progress(spike_batches(snakemake.input.spikes, [coordinates], members), "batches of spikes")
counts = count_kmers(
    (batch.column(coordinates).to_pylist() for batch in batches),
    k=snakemake.params.k,
    stride=snakemake.params.stride,
    ambiguous=snakemake.params.ambiguous,
    min_count=snakemake.params.min_count,
)
write_tsv(counts, snakemake.output.counts)
write_vocabulary(counts["kmer"], snakemake.output.vocabulary)
