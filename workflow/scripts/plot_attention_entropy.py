"""Draw how widely attention is spread."""

import pandas as pd

from spikegeometry.figures.attention_entropy import draw_attention_entropy
from spikegeometry.figures.style import save
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
params = snakemake.params
table = read_tsv(snakemake.input.table)
sequences, tokens, sizes = (pd.read_parquet(snakemake.input[name]) for name in ("sequences", "tokens", "sizes"))
chosen = params.selected_classes or params.classes
figure = draw_attention_entropy(table, sequences, tokens, sizes, chosen, params.mass)
save(figure, snakemake.output.png, snakemake.output.svg)
