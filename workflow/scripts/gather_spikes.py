"""Put the tables of all shards together."""

from spikegeometry.logs import configure_logging
from spikegeometry.spikes.storage import gather_spikes

configure_logging(snakemake.log[0])
gather_spikes(
    shards=snakemake.input.spikes,
    rejected_shards=snakemake.input.rejected,
    spikes=snakemake.output.spikes,
    rejected=snakemake.output.rejected,
)
