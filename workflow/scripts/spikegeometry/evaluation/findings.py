"""What other work found in its models, compared with this run's."""

import math
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from spikegeometry.evaluation.intervals import student_half_width

NOT_APPLICABLE = "not applicable"
# Independent units that an interval needs at least.
FEWEST = 3
COLUMNS = ["source", "claim", "verdict", "statistic", "value", "n", "low", "high", "criterion"]


@dataclass(frozen=True)
class Finding:
    """A claim about models, as a bound that a statistic of this run's model is compared with.

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
    def verdict(self) -> str:
        """`supported` or `contradicted` where the whole interval lies on one side of the bound, `undecided` where it
        does not, and `not applicable` where nothing could be measured or there is no interval."""
        if any(map(math.isnan, (self.value, self.low, self.high))):
            return NOT_APPLICABLE
        above, below = self.low > self.bound, self.high < self.bound
        if not above and not below:
            return "undecided"
        return "supported" if above == (self.side == "above") else "contradicted"


def mean_finding(
    source: str,
    claim: str,
    statistic: str,
    values: pd.Series,
    side: Literal["above", "below"],
    bound: float,
    confidence: float,
) -> Finding:
    """A finding on the mean of `values`, one for each independent unit, with Student's interval; NaN are left out.

    There is no interval of fewer than FEWEST units.
    """
    mean, n = values.mean(), int(values.count())
    half = student_half_width(values.std(), n, confidence) if n >= FEWEST else math.nan
    return Finding(source, claim, statistic, mean, mean - half, mean + half, n, side, bound)


def findings_table(findings: list[Finding]) -> pd.DataFrame:
    """One row for each finding, in order: source, claim, verdict, statistic, value, n, low, high, criterion."""
    rows = [
        vars(finding) | {"verdict": finding.verdict, "criterion": f"interval {finding.side} {finding.bound:.4g}"}
        for finding in findings
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def joined_findings(tables: dict[str, pd.DataFrame], learnt: bool) -> pd.DataFrame:
    """The findings of all analyses, by their names: analysis, the columns of `findings_table`, and remark.

    Claims are about networks that do their task. Of one that has not `learnt` its own, no claim is applicable.
    """
    joined = pd.concat([pd.DataFrame(columns=COLUMNS), *tables.values()], ignore_index=True)
    joined.insert(0, "analysis", [name for name, table in tables.items() for _ in range(len(table))])
    joined["remark"] = "" if learnt else "the network has not learnt its task"
    return joined if learnt else joined.assign(verdict=NOT_APPLICABLE)
