"""Draw what each substitution does, and how far it picks out what defines the classes."""

import pandas as pd

from spikegeometry.dataset.domains import read_domains, residue_places
from spikegeometry.figures.in_silico_mutagenesis import draw_in_silico_mutagenesis
from spikegeometry.figures.style import save
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
given = snakemake.input
untrained = read_tsv(given.untrained) if given.untrained else None
figure = draw_in_silico_mutagenesis(
    read_tsv(given.table),
    pd.read_parquet(given.scores),
    read_tsv(given.residues),
    read_tsv(given.correlations),
    residue_places(read_domains(given.domains)),
    snakemake.params.classes,
    untrained,
)
save(figure, snakemake.output.png, snakemake.output.svg)
