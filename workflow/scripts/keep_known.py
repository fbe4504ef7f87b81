"""Keep distinct gene sequences of the training genomes beside the model, for answers to be compared with."""

import pandas as pd

from spikegeometry.dataset.reading import sample_spikes, split_members
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_parquet

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
parts = [
    sample_spikes(
        spikes,
        ["accession", "class", "projected"],
        params.analysed_per_class,
        params.seed,
        split_members(splits, "train"),
    )
    for spikes, splits in zip(given.spikes, given.splits, strict=True)
]
known = pd.concat(parts).drop_duplicates(["class", "projected"], ignore_index=True)
write_parquet(known, snakemake.output.known)
