"""Draw ranks and singular values."""

from spikegeometry.figures.singular_values import draw_singular_values
from spikegeometry.figures.style import save
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
table, histograms = read_tsv(snakemake.input.table), read_tsv(snakemake.input.histograms)
params = snakemake.params
figure = draw_singular_values(table, histograms, params.selected_classes or params.classes, params.threshold)
save(figure, snakemake.output.png, snakemake.output.svg)
