"""Count the k-mers of the training split and write the vocabulary."""

from spikegeometry.dataset.reading import spike_batches, split_members
from spikegeometry.dataset.vocabulary import count_kmers, write_vocabulary
from spikegeometry.logs import configure_logging, progress
from spikegeometry.tables import write_tsv

configure_logging(snakemake.log[0])
coordinates = snakemake.params.coordinates
members = split_members(snakemake.input.splits, "train")
batches = progress(spike_batches(snakemake.input.spikes, [coordinates], members), "batches of gene sequences")
counts = count_kmers(
    (batch.column(coordinates).to_pylist() for batch in batches),
    k=snakemake.params.k,
    stride=snakemake.params.stride,
    ambiguous=snakemake.params.ambiguous,
    min_count=snakemake.params.min_count,
)
write_tsv(counts, snakemake.output.counts)
write_vocabulary(counts["kmer"], snakemake.output.vocabulary)
