"""Draw the scores and spectra of the bilinear forms."""

import pandas as pd

from spikegeometry.figures.style import save
from spikegeometry.figures.subspace_directionality import draw_subspace_directionality
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
table, spectra = read_tsv(snakemake.input.table), pd.read_parquet(snakemake.input.spectra)
save(draw_subspace_directionality(table, spectra), snakemake.output.png, snakemake.output.svg)
