"""Draw how well each class is told from the rest by a few positions."""

from spikegeometry.dataset.domains import read_domains, residue_places
from spikegeometry.figures.one_vs_all import draw_one_vs_all
from spikegeometry.figures.style import save
from spikegeometry.genomes.definitions import mutations_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
table, positions = read_tsv(given.table), read_tsv(given.positions)
mutations = mutations_of_rule(snakemake)
domains, mutations = map(residue_places, (read_domains(given.domains), mutations))
chosen = params.selected_classes or params.classes
figure = draw_one_vs_all(table, positions, domains, mutations, params.classes, chosen)
save(figure, snakemake.output.png, snakemake.output.svg)
