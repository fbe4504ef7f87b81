"""Geometry while it is learnt: statistics along both trainings, what comes first, and what fine-tuning keeps."""

import pandas as pd

from spikegeometry.analyses.tables import trajectory_tables as tables
from spikegeometry.stats.findings import findings_table
from spikegeometry.stats.summaries import ALL_CLASSES
from spikegeometry.tables import read_tsv


def measure(
    snapshots: dict[str, str], histories: dict[str, str], closed: float, confidence: float
) -> dict[str, pd.DataFrame]:
    """Curves by layer, the step at which each is half-way, and claims about the order of things.

    Parameters
    ----------
    snapshots: by phase, `pretrain` and `finetune`, Parquet of the table of `snapshots.measure`; of one or both.
    histories: by phase, the table of the training, where there was one.
    closed: rise of R from which the cone of the tokens has closed on the way.

    Returns
    -------
    table: statistics by phase, step, site and layer. heads: by head. changes: of each curve. findings.
    """
    parts = [pd.read_parquet(path).assign(phase=phase) for phase, path in snapshots.items()]
    measured = pd.concat(parts, ignore_index=True)
    layers = int(measured["layer"].max())
    curves = tables.class_curves(measured)
    halves = tables.half_ways(curves, confidence)
    heads = tables.head_table(measured)
    roles = tables.roles_of_heads(measured[measured["class"] != ALL_CLASSES], by=["class"])
    logs = {phase: read_tsv(path) for phase, path in histories.items()}
    return {
        "table": tables.curve_table(measured, heads, logs),
        "heads": heads,
        "changes": tables.change_table(curves, halves, confidence),
        "findings": findings_table(tables.findings(curves, halves, roles, layers, closed, confidence)),
    }
