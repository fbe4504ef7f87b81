"""Draw the geometry while it is learnt."""

from spikegeometry.figures.style import save
from spikegeometry.figures.training_trajectory import draw_training_trajectory
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
given = snakemake.input
figure = draw_training_trajectory(read_tsv(given.table), read_tsv(given.changes), list(map(read_tsv, given.seeds)))
save(figure, snakemake.output.png, snakemake.output.svg)
