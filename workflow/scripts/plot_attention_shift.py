"""Draw attention before and after fine-tuning."""

from spikegeometry.figures.attention_shift import draw_attention_shift
from spikegeometry.figures.style import save
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
params = snakemake.params
table, attention = read_tsv(snakemake.input.table), read_tsv(snakemake.input.attention)
figure = draw_attention_shift(table, attention, params.selected_classes or params.classes)
save(figure, snakemake.output.png, snakemake.output.svg)
