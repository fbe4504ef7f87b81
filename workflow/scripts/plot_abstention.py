"""Draw what scores and their thresholds do on one set."""

from spikegeometry.figures.abstention import draw_abstention
from spikegeometry.figures.style import save
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
tables = {name: read_tsv(path) for name, path in snakemake.input.items()}
figure = draw_abstention(**tables, name=snakemake.wildcards.set)
save(figure, snakemake.output.png, snakemake.output.svg)
