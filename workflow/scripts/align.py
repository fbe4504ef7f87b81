"""Cut the genomes of a shard into tiles and align them."""

from spikegeometry.logs import configure_logging
from spikegeometry.spikes.alignment import align_shard

configure_logging(snakemake.log[0])
align_shard(
    genomes=snakemake.input.genomes,
    table=snakemake.input.table,
    reference=snakemake.input.reference,
    bam=snakemake.output.bam,
    index=snakemake.output.index,
    tile_length=snakemake.params.tile_length,
    tile_overlap=snakemake.params.tile_overlap,
    preset=snakemake.params.preset,
    threads=snakemake.threads,
)
