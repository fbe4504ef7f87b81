"""Draw what the classifier loses without heads."""

from spikegeometry.figures.head_ablation import draw_head_ablation
from spikegeometry.figures.style import save
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
params = snakemake.params
tables = (read_tsv(snakemake.input[name]) for name in ("table", "importance", "curve"))
figure = draw_head_ablation(*tables, params.selected_classes or params.classes)
save(figure, snakemake.output.png, snakemake.output.svg)
