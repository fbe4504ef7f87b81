"""Draw new_analysis."""

from spikegeometry.figures.new_analysis import draw_new_analysis
from spikegeometry.figures.style import save
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
params = snakemake.params
chosen = params.selected_classes or params.classes
save(
    draw_new_analysis(read_tsv(snakemake.input.table), params.classes, chosen),
    snakemake.output.png,
    snakemake.output.svg,
)
