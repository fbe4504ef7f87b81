"""Put finished runs side by side, as a table and as a page."""

from pathlib import Path

import pandas as pd

from spikegeometry.evaluation.comparison import paired_differences
from spikegeometry.logs import configure_logging
from spikegeometry.report.comparison import comparison_page
from spikegeometry.report.runs import COLUMNS, differing, missing_rows, run_rows
from spikegeometry.tables import atomic_path, write_tsv

configure_logging(snakemake.log[0])
params = snakemake.params
folders = {run: Path("results", run) for run in params.runs}
described = [run_rows(folder) for folder in folders.values()]
rows = pd.concat([of_run for of_run, _ in described], ignore_index=True)
metrics = rows[rows["part"] == "metrics"]
differences = paired_differences(
    folders=folders,
    metrics={run: metrics[metrics["run"] == run] for run in folders},
    n_bins=params.calibration_bins,
    samples=params.bootstrap,
    confidence=params.confidence,
    seed=params.seed,
)
parts = [missing_rows(rows), differing(rows), differences.assign(part="differences")]
table = pd.concat([part for part in parts if len(part)], ignore_index=True)[COLUMNS]
write_tsv(table, snakemake.output.table)
statistics = {statistic.key: statistic for _, shown in described for statistic in shown}
with atomic_path(snakemake.output.page) as partial:
    partial.write_text(comparison_page(table, params.runs, [*statistics.values()]), encoding="utf-8")
