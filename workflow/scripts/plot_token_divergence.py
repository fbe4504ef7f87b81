"""Draw the tokens that differ from the reference's."""

import pandas as pd

from spikegeometry.figures.style import save
from spikegeometry.figures.token_divergence import draw_token_divergence
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
table = read_tsv(snakemake.input.table)
sequences, slots = pd.read_parquet(snakemake.input.sequences), pd.read_parquet(snakemake.input.slots)
params = snakemake.params
figure = draw_token_divergence(table, sequences, slots, params.classes, params.selected_classes or params.classes)
save(figure, snakemake.output.png, snakemake.output.svg)
