"""Gather the histories of all trainings and draw their curves."""

import pandas as pd

from spikegeometry.figures.style import save
from spikegeometry.figures.training import draw_training
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv, write_tsv

configure_logging(snakemake.log[0])
output = snakemake.output
histories = [history for history in map(read_tsv, snakemake.input.histories) if len(history)]
table = pd.concat(histories, ignore_index=True)
write_tsv(table, output.table)
save(draw_training(table), output.png, output.svg)
