"""Put the predictions of a split's shards together, in order."""

import pandas as pd

from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_parquet

configure_logging(snakemake.log[0])
shards = [pd.read_parquet(path) for path in snakemake.input.shards]
write_parquet(pd.concat(shards, ignore_index=True), snakemake.output.predictions)
