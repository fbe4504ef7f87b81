"""Draw how often each k-mer occurs, by rank."""

from spikegeometry.figures.dataset import draw_kmer_ranks
from spikegeometry.figures.style import save
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
save(draw_kmer_ranks(read_tsv(snakemake.input.table)), snakemake.output.png, snakemake.output.svg)
