"""Draw lengths, coverage, deletions and insertions of the gene in each class."""

from spikegeometry.figures.spikes import draw_spikes
from spikegeometry.figures.style import save
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
figure = draw_spikes(
    values=read_tsv(snakemake.input.values),
    indels=read_tsv(snakemake.input.indels),
    classes=snakemake.params.classes,
    gene=snakemake.params.gene,
    gene_length=snakemake.params.end - snakemake.params.start + 1,
    cohort=snakemake.params.cohort,
)
save(figure, snakemake.output.png, snakemake.output.svg)
