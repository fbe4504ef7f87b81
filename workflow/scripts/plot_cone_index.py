"""Draw the cone index."""

import pandas as pd

from spikegeometry.figures.cone_index import draw_cone_index
from spikegeometry.figures.style import save
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
table, sequences = read_tsv(snakemake.input.table), pd.read_parquet(snakemake.input.sequences)
params = snakemake.params
figure = draw_cone_index(table, sequences, params.classes, params.selected_classes or params.classes)
save(figure, snakemake.output.png, snakemake.output.svg)
