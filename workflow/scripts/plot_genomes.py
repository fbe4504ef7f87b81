"""Draw what became of a cohort's genomes, their lengths and their gaps."""

from spikegeometry.figures.genomes import draw_cohort
from spikegeometry.figures.style import save
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
figure = draw_cohort(
    accepted=read_tsv(snakemake.input.accepted, ["class", "length", "n_fraction"]),
    counts=read_tsv(snakemake.input.counts),
    classes=snakemake.params.classes,
    cohort=snakemake.params.cohort,
)
save(figure, snakemake.output.png, snakemake.output.svg)
