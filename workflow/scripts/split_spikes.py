"""Assign the gene sequences to the training, validation and test splits."""

from spikegeometry.dataset.splits import assign_splits, read_haplotypes, split_sizes
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_parquet, write_tsv

configure_logging(snakemake.log[0])
splits = assign_splits(
    read_haplotypes(snakemake.input.spikes, snakemake.params.coordinates),
    classes=snakemake.params.classes,
    method=snakemake.params.method,
    validation=snakemake.params.validation,
    test=snakemake.params.test,
    seed=snakemake.params.seed,
)
write_parquet(splits, snakemake.output.splits)
write_tsv(split_sizes(splits, snakemake.params.classes), snakemake.output.sizes)
