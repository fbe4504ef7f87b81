"""Draw attention rollout and flow along the gene."""

import pandas as pd

from spikegeometry.dataset.domains import domain_slots, read_domains
from spikegeometry.figures.attention_flow import draw_attention_flow
from spikegeometry.figures.style import save
from spikegeometry.genomes.definitions import mutations_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
mutations = mutations_of_rule(snakemake)
domains, mutations = (domain_slots(one, params.k, params.stride) for one in (read_domains(given.domains), mutations))
table, layers = read_tsv(given.table), pd.read_parquet(given.layers)
chosen = params.selected_classes or params.classes
figure = draw_attention_flow(table, layers, domains, mutations, params.classes, chosen, params.source)
save(figure, snakemake.output.png, snakemake.output.svg)
