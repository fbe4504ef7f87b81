"""Draw the confusion, curves and calibration of BERT on one set, and its metrics beside those of the other models."""

from spikegeometry.figures.evaluation import draw_calibration, draw_confusion, draw_curves, draw_metrics
from spikegeometry.figures.style import save
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
tables = {name: read_tsv(path) for name, path in snakemake.input.items()}
bert = {name: table[table["model"] == "bert"] for name, table in tables.items()}
name = snakemake.wildcards.set
figures = {
    "confusion": draw_confusion(bert["confusion"], name),
    "curves": draw_curves(bert["curves"], bert["metrics"], name),
    "calibration": draw_calibration(bert["calibration"], bert["metrics"], name),
    "metrics": draw_metrics(tables["metrics"], name),
}
for figure, drawn in figures.items():
    save(drawn, snakemake.output[f"{figure}_png"], snakemake.output[f"{figure}_svg"])
