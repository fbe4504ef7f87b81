"""Draw how evenly token vectors use the directions of their space."""

from spikegeometry.figures.isotropy import draw_isotropy
from spikegeometry.figures.style import save
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
table, agreement = read_tsv(snakemake.input.table), read_tsv(snakemake.input.agreement)
params = snakemake.params
figure = draw_isotropy(table, agreement, params.classes, params.selected_classes or params.classes)
save(figure, snakemake.output.png, snakemake.output.svg)
