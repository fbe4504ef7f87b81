"""Draw the tokens that differ from the reference's."""

import pandas as pd

from spikegeometry.dataset.domains import domain_slots, read_domains
from spikegeometry.figures.style import save
from spikegeometry.figures.token_divergence import draw_token_divergence
from spikegeometry.genomes.definitions import mutations_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
table = read_tsv(given.table)
sequences, slots = pd.read_parquet(given.sequences), pd.read_parquet(given.slots)
mutations = mutations_of_rule(snakemake)
domains, mutations = (domain_slots(one, params.k, params.stride) for one in (read_domains(given.domains), mutations))
chosen = params.selected_classes or params.classes
figure = draw_token_divergence(table, sequences, slots, domains, mutations, params.classes, chosen)
save(figure, snakemake.output.png, snakemake.output.svg)
