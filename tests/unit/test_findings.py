"""Claims of other work, held against a statistic and its interval."""

import math

import pandas as pd
import pytest

from spikegeometry.evaluation.findings import Finding, findings_table, mean_finding


def finding(low, high, side, bound=0.5):
    return Finding("A 2019", "claim", "share", 0.6, low, high, 10, side, bound)


@pytest.mark.parametrize(
    ("low", "high", "side", "shown"),
    [
        (0.55, 0.7, "above", True),
        (0.45, 0.7, "above", False),
        (0.5, 0.7, "above", False),
        (0.3, 0.45, "below", True),
        (0.3, 0.55, "below", False),
        (math.nan, math.nan, "above", False),
        (math.nan, math.nan, "below", False),
    ],
)
def test_shown_where_the_whole_interval_is_beyond_the_bound(low, high, side, shown):
    assert finding(low, high, side).shown is shown


def test_table_says_yes_or_no_and_by_what():
    table = findings_table([finding(0.55, 0.7, "above"), finding(0.45, 0.7, "above")])
    assert table["shown"].tolist() == ["yes", "no"]
    assert table["criterion"].tolist() == ["interval above 0.5"] * 2
    assert table[["value", "n", "low", "high"]].iloc[0].tolist() == [0.6, 10, 0.55, 0.7]


def test_mean_of_independent_values():
    # Three values 1, 3, 8: sd 3.60555, standard error 2.08167, Student's quantile for 2 degrees of freedom 4.30265.
    several = mean_finding("A 2019", "claim", "share", pd.Series([1.0, 3, math.nan, 8]), "above", 0, 0.95)
    assert (several.value, several.n) == (4, 3)
    assert (several.low, several.high) == pytest.approx((4 - 8.95669, 4 + 8.95669), abs=1e-4)
    for values in ([2.0], []):
        few = mean_finding("A 2019", "claim", "share", pd.Series(values, dtype=float), "above", 0, 0.95)
        assert few.n == len(values) and math.isnan(few.low) and not few.shown
