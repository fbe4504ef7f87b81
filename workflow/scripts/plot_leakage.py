"""Draw how near the genomes of each split are to those of another."""

from spikegeometry.figures.dataset import draw_leakage
from spikegeometry.figures.style import save
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
save(draw_leakage(read_tsv(snakemake.input.table)), snakemake.output.png, snakemake.output.svg)
