"""Draw attention rollout and flow along the gene."""

import pandas as pd

from spikegeometry.dataset.domains import domain_slots, read_domains
from spikegeometry.figures.attention_flow import draw_attention_flow
from spikegeometry.figures.style import save
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
params = snakemake.params
domains = domain_slots(read_domains(snakemake.input.domains), params.k, params.stride)
table, layers = read_tsv(snakemake.input.table), pd.read_parquet(snakemake.input.layers)
chosen = params.selected_classes or params.classes
figure = draw_attention_flow(table, layers, domains, params.classes, chosen, params.source)
save(figure, snakemake.output.png, snakemake.output.svg)
