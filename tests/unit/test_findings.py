"""Claims of other work, held against a statistic and its interval."""

import math

import pytest

from spikegeometry.evaluation.findings import Finding, findings_table


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
