"""What other work found in its models, compared with this run's."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from spikegeometry.stats.intervals import mean_bounds

Side = Literal["above", "below"]
NOT_APPLICABLE = "not applicable"
# The run's own training and the network that has none, by the names of their models.
RUN, UNTRAINED = "finetuned", "random"
COLUMNS = ["source", "claim", "verdict", "statistic", "value", "n", "low", "high", "criterion", "detail"]


@dataclass(frozen=True)
class Finding:
    """A claim about models, as a bound that a statistic of this run's model is compared with.

    source: the paper in short (author and year, arXiv number); claim: what it found, in one sentence; statistic: what
    is measured here, in words, with its unit; value, low, high: that statistic and its confidence interval, NaN where
    there is none; n: the number of independent units behind it; side and bound: the claim is that the statistic lies
    `above` or `below` the bound; detail: what this network's own data chose, such as the best of its heads.
    """

    source: str
    claim: str
    statistic: str
    value: float
    low: float
    high: float
    n: int
    side: Side
    bound: float
    detail: str = ""

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
    side: Side,
    bound: float,
    confidence: float,
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> Finding:
    """A finding on the mean of `values`, one for each independent unit; NaN are left out.

    The interval is `mean_bounds`, in the range `bounds` that values cannot leave.
    """
    mean, n = values.mean(), int(values.count())
    low, high = mean_bounds(mean, values.std(), n, confidence, *bounds)
    return Finding(source, claim, statistic, mean, float(low), float(high), n, side, bound)


def findings_table(findings: list[Finding]) -> pd.DataFrame:
    """One row for each finding, in order: source, claim, verdict, statistic, value, n, low, high, criterion, detail."""
    rows = [
        vars(finding) | {"verdict": finding.verdict, "criterion": f"interval {finding.side} {finding.bound:.4g}"}
        for finding in findings
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def joined_findings(
    tables: dict[str, pd.DataFrame], replicates: dict[str, dict[str, pd.DataFrame]], failed: Collection[str] = ()
) -> pd.DataFrame:
    """The findings of all analyses, by their names, beside those of `replicates`, by the names of these.

    Columns: analysis, those of `findings_table`, untrained_value, untrained_low, untrained_high and untrained (the
    verdict of the replicate `random`), seeds (trainings in which the claim is supported, of all that were measured, the
    run's own among them; as "2 of 3") and remark.

    A claim that is supported of an untrained network too is `unspecific`: training has no part in it. One whose
    interval overlaps that of the untrained network is `undecided`, for the two are not told apart. Where none was
    measured the remark says so. Claims are about networks that do their task: of trainings that have `failed` to learn
    it (RUN, or names of replicates) none is applicable.
    """
    joined = pd.concat([pd.DataFrame(columns=COLUMNS), *tables.values()], ignore_index=True)
    joined.insert(0, "analysis", [name for name, table in tables.items() for _ in range(len(table))])
    untrained = _beside(joined, replicates.get(UNTRAINED, {}))
    for column in ("value", "low", "high"):
        joined[f"untrained_{column}"] = untrained[column]
    joined["untrained"] = untrained["verdict"].fillna("")
    replicas = {name: of for name, of in replicates.items() if name not in (UNTRAINED, *failed)}
    trained = [*([] if RUN in failed else [joined]), *(_beside(joined, of) for of in replicas.values())]
    verdicts = pd.DataFrame({number: table["verdict"] for number, table in enumerate(trained)}, joined.index)
    measured = (verdicts.notna() & verdicts.ne(NOT_APPLICABLE)).sum(axis=1).astype(int)
    supported = verdicts.eq("supported").sum(axis=1).astype(int)
    joined["seeds"] = [f"{of} of {n}" for of, n in zip(supported, measured, strict=True)]
    shown = joined["verdict"].eq("supported")
    both = shown & joined["untrained"].eq("supported")
    joined["remark"] = ""
    joined.loc[shown & joined["untrained"].eq(""), "remark"] = "no untrained network was measured"
    joined.loc[both, ["verdict", "remark"]] = ["unspecific", "an untrained network shows it too"]
    overlap = (joined["untrained_low"] <= joined["high"]) & (joined["untrained_high"] >= joined["low"])
    alike = shown & ~both & overlap
    joined.loc[alike, ["verdict", "remark"]] = ["undecided", "its interval overlaps that of an untrained network"]
    if RUN not in failed:
        return joined
    return joined.assign(verdict=NOT_APPLICABLE, remark="the network has not learnt its task")


def _beside(joined: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The findings of a replicate, in the rows of the run's; what it lacks is missing."""
    keys = ["analysis", "source", "claim", "statistic"]
    parts = [pd.DataFrame(columns=["analysis", *COLUMNS]), *(of.assign(analysis=name) for name, of in tables.items())]
    own, other = joined[keys], pd.concat(parts, ignore_index=True)
    own, other = (
        table.astype(dict.fromkeys(keys, object)).assign(number=table.groupby(keys).cumcount())
        for table in (own, other)
    )
    return own.merge(other, "left", [*keys, "number"], validate="one_to_one")
