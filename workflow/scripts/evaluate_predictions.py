"""Evaluate what every model says of one set."""

from collections import defaultdict

import pandas as pd

from spikegeometry.dataset.encoding import open_split
from spikegeometry.evaluation.assessment import (
    calibration_table,
    confusion_table,
    curve_table,
    difference_table,
    measure,
    metric_table,
    other_table,
    read_predictions,
)
from spikegeometry.logs import configure_logging, progress
from spikegeometry.tables import write_tsv

configure_logging(snakemake.log[0])
params = snakemake.params
sequences = open_split(snakemake.input.sequences).select(["accession", "haplotype"]).to_pandas()
tables, bert = defaultdict(list), None
models = dict(zip(params.models, snakemake.input.predictions, strict=True))
for model, path in progress(models.items(), "models evaluated", len(models)):
    predictions = read_predictions(path, sequences, params.classes)
    measured = measure(predictions, params.calibration_bins, params.bootstrap, params.seed)
    bert = bert or measured  # the first of the models
    metrics = metric_table(measured, params.confidence)
    if measured is not bert:
        metrics = metrics.merge(difference_table(bert, measured, params.confidence), "left", ["metric", "class"])
    made = {
        "metrics": metrics,
        "confusion": confusion_table(predictions),
        "curves": curve_table(predictions),
        "calibration": calibration_table(predictions, params.calibration_bins),
        "other": other_table(predictions),
    }
    for name, table in made.items():
        table.insert(0, "set", snakemake.wildcards.set)
        table.insert(1, "model", model)
        tables[name].append(table)
for name, parts in tables.items():
    write_tsv(pd.concat(parts, ignore_index=True), snakemake.output[name])
