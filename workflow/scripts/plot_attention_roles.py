"""Draw the roles of the heads."""

from spikegeometry.figures.attention_roles import draw_attention_roles
from spikegeometry.figures.style import save
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
params = snakemake.params
figure = draw_attention_roles(read_tsv(snakemake.input.table), params.selected_classes or params.classes)
save(figure, snakemake.output.png, snakemake.output.svg)
