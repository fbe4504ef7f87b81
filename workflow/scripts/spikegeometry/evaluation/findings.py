"""What other work found in its models, held against this run's."""

import math
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from spikegeometry.evaluation.intervals import student_half_width


@dataclass(frozen=True)
class Finding:
    """A claim about models, as a bound that a statistic of this run's model is held against.

    source: the paper in short (author and year, arXiv number); claim: what it found, in one sentence; statistic: what
    is measured here, in words, with its unit; value, low, high: that statistic and its confidence interval, NaN where
    there is none; n: the number of independent units behind it; side and bound: the claim is that the statistic lies
    `above` or `below` the bound.
    """

    source: str
    claim: str
    statistic: str
    value: float
    low: float
    high: float
    n: int
    side: Literal["above", "below"]
    bound: float

    @property
    def shown(self) -> bool:
        """Whether the whole interval lies on the claim's side of the bound: never without an interval."""
        return bool(self.low > self.bound if self.side == "above" else self.high < self.bound)


def mean_finding(
    source: str,
    claim: str,
    statistic: str,
    values: pd.Series,
    side: Literal["above", "below"],
    bound: float,
    confidence: float,
) -> Finding:
    """A finding on the mean of `values`, one for each independent unit, with Student's interval; NaN are left out."""
    mean, n = values.mean(), int(values.count())
    half = student_half_width(values.std(), n, confidence) if n else math.nan
    return Finding(source, claim, statistic, mean, mean - half, mean + half, n, side, bound)


def findings_table(findings: list[Finding]) -> pd.DataFrame:
    """One row for each finding, in order: source, claim, shown (yes, no), statistic, value, n, low, high, criterion."""
    columns = ["source", "claim", "shown", "statistic", "value", "n", "low", "high", "criterion"]
    rows = [
        vars(finding)
        | {"shown": "yes" if finding.shown else "no", "criterion": f"interval {finding.side} {finding.bound:.4g}"}
        for finding in findings
    ]
    return pd.DataFrame(rows, columns=columns)
