"""Draw how well each class is told from the rest by a few positions."""

from spikegeometry.dataset.domains import read_domains
from spikegeometry.figures.one_vs_all import draw_one_vs_all
from spikegeometry.figures.style import save
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
params = snakemake.params
table, positions = read_tsv(snakemake.input.table), read_tsv(snakemake.input.positions)
domains = read_domains(snakemake.input.domains)
figure = draw_one_vs_all(table, positions, domains, params.classes, params.selected_classes or params.classes)
save(figure, snakemake.output.png, snakemake.output.svg)
