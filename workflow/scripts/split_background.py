"""Assign the background genomes to training and validation, but for those with a gene sequence of a class."""

from spikegeometry.dataset.background import split_background
from spikegeometry.dataset.splits import write_splits
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_tsv

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
# Whose dates and descent say nothing of the classes'.
method = "random" if params.method == "random" else "haplotype"
splits, rejected = split_background(
    given.spikes, given.splits, params.coordinates, method, params.validation, params.test, params.seed
)
write_splits(given.spikes, params.coordinates, splits, snakemake.output.splits)
write_tsv(rejected, snakemake.output.rejected)
