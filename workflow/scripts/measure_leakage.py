"""Measure how much of each split has been seen in another."""

import pandas as pd

from spikegeometry.dataset.leakage import leakage_table, read_spike_set
from spikegeometry.dataset.splits import SPLITS
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_tsv

configure_logging(snakemake.log[0])
coordinates = snakemake.params.coordinates
spikes = read_spike_set(snakemake.input.spikes, coordinates)
members = pd.read_parquet(snakemake.input.splits, columns=["accession", "split"]).groupby("split")["accession"]
table = leakage_table(
    splits={split: spikes.subset(members.get_group(split)) for split in SPLITS},
    external={
        name: read_spike_set(path, coordinates)
        for name, path in zip(snakemake.params.external, snakemake.input.external, strict=True)
    },
    classes=snakemake.params.classes,
    most=snakemake.params.analysed_per_class,
    seed=snakemake.params.seed,
)
write_tsv(table, snakemake.output.table)
