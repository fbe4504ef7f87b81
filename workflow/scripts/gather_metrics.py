"""Gather the tables of all sets: metrics (as a table and as JSON), genomes out of class, and abstention."""

import json

import pandas as pd

from spikegeometry.evaluation.assessment import nested_metrics
from spikegeometry.logs import configure_logging
from spikegeometry.tables import atomic_path, read_tsv, write_tsv

configure_logging(snakemake.log[0])
tables = {name: pd.concat(map(read_tsv, paths), ignore_index=True) for name, paths in snakemake.input.items()}
for name, table in tables.items():
    write_tsv(table, snakemake.output[name])
with atomic_path(snakemake.output.json) as partial:
    partial.write_text(
        json.dumps(nested_metrics(tables["metrics"]), indent=2, allow_nan=False) + "\n", encoding="utf-8"
    )
