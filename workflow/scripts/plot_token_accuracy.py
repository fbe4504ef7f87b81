"""Draw the accuracy of masked k-mers."""

import pandas as pd

from spikegeometry.figures.style import save
from spikegeometry.figures.token_accuracy import draw_token_accuracy
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
given = snakemake.input
tables = [read_tsv(path) for path in (given.table, given.clusters)]
details = [pd.read_parquet(path) for path in (given.tokens, given.sequences, given.confusion)]
figure = draw_token_accuracy(*tables, *details, snakemake.params.classes)
save(figure, snakemake.output.png, snakemake.output.svg)
