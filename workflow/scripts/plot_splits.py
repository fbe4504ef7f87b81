"""Draw the sizes of the classes and splits."""

from spikegeometry.figures.dataset import draw_splits
from spikegeometry.figures.style import save
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
save(draw_splits(read_tsv(snakemake.input.table)), snakemake.output.png, snakemake.output.svg)
