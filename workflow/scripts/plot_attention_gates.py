"""Draw the attention gates."""

from spikegeometry.figures.attention_gates import draw_attention_gates
from spikegeometry.figures.style import save
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
params = snakemake.params
figure = draw_attention_gates(read_tsv(snakemake.input.table), params.selected_classes or params.classes, params.names)
save(figure, snakemake.output.png, snakemake.output.svg)
