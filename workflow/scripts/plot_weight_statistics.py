"""Draw the statistics of the weights, and maps of them."""

from pathlib import Path

import numpy as np
import pandas as pd

from spikegeometry.figures.style import save
from spikegeometry.figures.weight_statistics import MAPS, draw_maps, draw_weight_statistics
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
given, output, params = snakemake.input, snakemake.output, snakemake.params
histograms, coordinates = pd.read_parquet(given.histograms), pd.read_parquet(given.coordinates)
table = read_tsv(given.table)
figure = draw_weight_statistics(table, histograms, coordinates, params.rogue_z, params.rogue_layers)
save(figure, output.png, output.svg)
with np.load(given.maps, allow_pickle=False) as maps:
    for kind in MAPS:
        save(draw_maps(maps, kind), Path(output.maps, f"{kind}.png"), Path(output.maps, f"{kind}.svg"))
