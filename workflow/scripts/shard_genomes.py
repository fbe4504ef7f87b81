"""Write the accepted genomes into shards of consecutive genomes."""

from spikegeometry.logs import configure_logging
from spikegeometry.spikes.shards import shard_genomes

configure_logging(snakemake.log[0])
shard_genomes(
    fasta=snakemake.input.fasta,
    table=snakemake.input.accepted,
    shard_fastas=snakemake.output.fastas,
    shard_tables=snakemake.output.tables,
)
