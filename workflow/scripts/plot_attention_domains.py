"""Draw the attention into each domain of the protein."""

from spikegeometry.dataset.domains import read_parts
from spikegeometry.figures.attention_domains import draw_attention_domains
from spikegeometry.figures.style import save
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
params = snakemake.params
domains = list(read_parts(snakemake.input.domains, snakemake.input.regions)["name"])
chosen = params.selected_classes or params.classes
figure = draw_attention_domains(read_tsv(snakemake.input.table), domains, params.classes, chosen)
save(figure, snakemake.output.png, snakemake.output.svg)
