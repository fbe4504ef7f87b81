"""Draw which tokens decide on the class."""

import pandas as pd

from spikegeometry.dataset.domains import read_domains, residue_places
from spikegeometry.figures.attributions import draw_attributions
from spikegeometry.figures.style import save
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
params = snakemake.params
domains = residue_places(read_domains(snakemake.input.domains))
table, tokens = read_tsv(snakemake.input.table), pd.read_parquet(snakemake.input.tokens)
mutations, chosen = read_tsv(snakemake.input.mutations), params.selected_classes or params.classes
figure = draw_attributions(table, tokens, mutations, domains, params.classes, chosen)
save(figure, snakemake.output.png, snakemake.output.svg)
