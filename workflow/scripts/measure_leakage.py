"""Measure how much of each split has been seen in another."""

from spikegeometry.dataset.leakage import leakage_table, read_spike_set
from spikegeometry.dataset.reading import SPLITS, split_members, text_digests
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_tsv

configure_logging(snakemake.log[0])
coordinates = snakemake.params.coordinates
spikes = read_spike_set(snakemake.input.spikes, coordinates)
table = leakage_table(
    splits={split: spikes.subset(text_digests(split_members(snakemake.input.splits, split))) for split in SPLITS},
    external={
        name: read_spike_set(path, coordinates)
        for name, path in zip(snakemake.params.external, snakemake.input.external, strict=True)
    },
    classes=snakemake.params.classes,
    most=snakemake.params.analysed_per_class,
    seed=snakemake.params.seed,
)
write_tsv(table, snakemake.output.table)
