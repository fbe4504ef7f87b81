"""Draw the clustering, and the page of maps in three dimensions."""

import pandas as pd

from spikegeometry.figures.clustering import draw_clustering, interactive_maps
from spikegeometry.figures.style import save
from spikegeometry.logs import configure_logging
from spikegeometry.tables import atomic_path, read_tsv

configure_logging(snakemake.log[0])
params = snakemake.params
table, components = read_tsv(snakemake.input.table), read_tsv(snakemake.input.components)
maps = pd.read_parquet(snakemake.input.maps)
figure = draw_clustering(table, components, maps, params.classes, params.selected_classes or params.classes)
save(figure, snakemake.output.png, snakemake.output.svg)
with atomic_path(snakemake.output.html) as partial:
    partial.write_text(interactive_maps(maps, params.classes), encoding="utf-8")
