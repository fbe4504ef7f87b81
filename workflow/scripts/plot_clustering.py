"""Draw the clustering."""

import pandas as pd

from spikegeometry.figures.clustering import draw_clustering
from spikegeometry.figures.style import save
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
params = snakemake.params
table, components = read_tsv(snakemake.input.table), read_tsv(snakemake.input.components)
maps = pd.read_parquet(snakemake.input.maps)
figure = draw_clustering(table, components, maps, params.classes, params.selected_classes or params.classes)
save(figure, snakemake.output.png, snakemake.output.svg)
