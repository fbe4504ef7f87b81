"""Draw the norms of vectors."""

import pandas as pd

from spikegeometry.figures.style import save
from spikegeometry.figures.vector_norms import draw_vector_norms
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
table, tokens = read_tsv(snakemake.input.table), pd.read_parquet(snakemake.input.tokens)
params = snakemake.params
figure = draw_vector_norms(table, tokens, params.selected_classes or params.classes)
save(figure, snakemake.output.png, snakemake.output.svg)
