"""Put the predictions of a split's shards together, in order."""

from spikegeometry.logs import configure_logging
from spikegeometry.tables import join_parquet

configure_logging(snakemake.log[0])
join_parquet(snakemake.input.shards, snakemake.output.predictions)
