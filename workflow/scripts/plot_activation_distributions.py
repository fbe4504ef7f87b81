"""Draw the distributions of the activations."""

import pandas as pd

from spikegeometry.figures.activation_distributions import draw_activation_distributions
from spikegeometry.figures.style import save
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
params = snakemake.params
figure = draw_activation_distributions(
    read_tsv(snakemake.input.table),
    pd.read_parquet(snakemake.input.histogram),
    pd.read_parquet(snakemake.input.columns),
    params.classes,
    params.selected_classes or params.classes,
    params.alpha,
    params.outlier,
)
save(figure, snakemake.output.png, snakemake.output.svg)
