"""Assign the gene sequences to the training, validation and test splits."""

from spikegeometry.dataset.splits import read_haplotypes, split_genomes, split_sizes, write_splits
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_tsv

configure_logging(snakemake.log[0])
spikes, coordinates = snakemake.input.spikes, snakemake.params.coordinates
splits = split_genomes(
    read_haplotypes(spikes, coordinates),
    genomes=snakemake.input.genomes,
    classes=snakemake.params.classes,
    method=snakemake.params.method,
    validation=snakemake.params.validation,
    test=snakemake.params.test,
    seed=snakemake.params.seed,
)
write_splits(spikes, coordinates, splits["split"], snakemake.output.splits)
write_tsv(split_sizes(splits, snakemake.params.classes), snakemake.output.sizes)
