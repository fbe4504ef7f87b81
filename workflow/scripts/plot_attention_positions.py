"""Draw the attention to the positions that define a class."""

import pandas as pd

from spikegeometry.dataset.domains import domain_slots, read_domains
from spikegeometry.figures.attention_positions import draw_attention_positions
from spikegeometry.figures.style import save
from spikegeometry.genomes.definitions import mutations_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
mutations = mutations_of_rule(snakemake)
domains, mutations = (domain_slots(one, params.k, params.stride) for one in (read_domains(given.domains), mutations))
table, positions, profiles = read_tsv(given.table), read_tsv(given.positions), pd.read_parquet(given.profiles)
chosen = params.selected_classes or params.classes
figure = draw_attention_positions(table, positions, profiles, domains, mutations, params.classes, chosen)
save(figure, snakemake.output.png, snakemake.output.svg)
