"""Whether attention is localised on the mutations that define a class, against other positions like them."""

import numpy as np
import pandas as pd

from spikegeometry.analyses.tables.position_tests import ALIKE, ELSEWHERE
from spikegeometry.stats.findings import Finding, mean_finding

SOURCE = "Ghione 2022; Bonino et al. 2025, arXiv 2502.12033"
CLAIM = "Attention is often localised on the variant's defining mutations"
CONTROLS = {
    ALIKE: "more than on positions of the same domains as variable and as rare",
    ELSEWHERE: "more than on positions that define other classes",
}


def class_enrichment(table: pd.DataFrame, variant: str, against: str) -> pd.Series:
    """log2 of the attention at the defining positions over that expected, both summed over all heads, by class.

    `table` from `position_tests`. A head that pays the positions nothing counts as 0, not as minus infinity.
    """
    rows = table[(table["variant"] == variant) & (table["against"] == against)]
    sums = rows.pivot_table(index="class", columns="statistic", values="value", aggfunc="sum")
    sums = sums.reindex(columns=["attention", "expected"])
    with np.errstate(divide="ignore"):
        return np.log2(sums["attention"] / sums["expected"])


def position_findings(table: pd.DataFrame, confidence: float) -> list[Finding]:
    """The claim against each control. Sequences of a class share their mutations, so the unit is the class."""
    return [
        mean_finding(
            SOURCE,
            f"{CLAIM} ({words}).",
            "attention among k-mers, mean over heads: log2 fold change of the defining positions over the others",
            class_enrichment(table, "kmers", against),
            "above",
            0.0,
            confidence,
        )
        for against, words in CONTROLS.items()
    ]
