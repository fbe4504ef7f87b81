"""Draw what every block tells of the class."""

from spikegeometry.figures.layer_probes import draw_layer_probes
from spikegeometry.figures.style import save
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
save(draw_layer_probes(read_tsv(snakemake.input.table)), snakemake.output.png, snakemake.output.svg)
