"""Draw where mutations are read, and where they are written into [CLS]."""

from spikegeometry.figures.mutation_patching import draw_mutation_patching
from spikegeometry.figures.style import save
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
given = snakemake.input
untrained = read_tsv(given.untrained) if given.untrained else None
figure = draw_mutation_patching(read_tsv(given.table), read_tsv(given.readout), read_tsv(given.agreement), untrained)
save(figure, snakemake.output.png, snakemake.output.svg)
