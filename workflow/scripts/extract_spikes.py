"""Project the genomes of a shard on the gene by their alignments."""

from spikegeometry.logs import configure_logging
from spikegeometry.spikes.extraction import extract_spikes

configure_logging(snakemake.log[0])
extract_spikes(
    genomes=snakemake.input.genomes,
    table=snakemake.input.table,
    bam=snakemake.input.bam,
    reference=snakemake.input.reference,
    start=snakemake.params.start,
    end=snakemake.params.end,
    tile_length=snakemake.params.tile_length,
    tile_overlap=snakemake.params.tile_overlap,
    min_covered_fraction=snakemake.params.min_covered_fraction,
    max_n_fraction=snakemake.params.max_n_fraction,
    max_indel=snakemake.params.max_indel,
    max_conflict=snakemake.params.max_conflict,
    preset=snakemake.params.preset,
    spikes=snakemake.output.spikes,
    rejected=snakemake.output.rejected,
)
