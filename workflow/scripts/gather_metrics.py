"""Gather the tables of all sets: metrics (as a table and as JSON) and genomes of none of the classes."""

import json

import pandas as pd

from spikegeometry.evaluation.assessment import nested_metrics
from spikegeometry.logs import configure_logging
from spikegeometry.tables import atomic_path, read_tsv, write_tsv

configure_logging(snakemake.log[0])
metrics, other = (
    pd.concat(map(read_tsv, paths), ignore_index=True) for paths in (snakemake.input.metrics, snakemake.input.other)
)
write_tsv(metrics, snakemake.output.metrics)
write_tsv(other, snakemake.output.other)
with atomic_path(snakemake.output.json) as partial:
    partial.write_text(json.dumps(nested_metrics(metrics), indent=2, allow_nan=False) + "\n", encoding="utf-8")
