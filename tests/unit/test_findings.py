"""Claims of other work, compared with a statistic and its interval."""

import math

import numpy as np
import pandas as pd
import pytest

from spikegeometry.stats.findings import Finding, findings_table, joined_findings, mean_finding


def finding(low, high, side, bound=0.5):
    return Finding("A 2019", "claim", "share", 0.6, low, high, 10, side, bound)


@pytest.mark.parametrize(
    ("low", "high", "side", "verdict"),
    [
        (0.55, 0.7, "above", "supported"),
        (0.45, 0.7, "above", "undecided"),
        (0.5, 0.7, "above", "undecided"),
        (0.3, 0.45, "above", "contradicted"),
        (0.3, 0.45, "below", "supported"),
        (0.3, 0.55, "below", "undecided"),
        (0.55, 0.7, "below", "contradicted"),
        (math.nan, math.nan, "above", "not applicable"),
        (math.nan, math.nan, "below", "not applicable"),
    ],
)
def test_verdict_by_the_whole_interval(low, high, side, verdict):
    assert finding(low, high, side).verdict == verdict


def test_table_holds_verdict_and_criterion():
    table = findings_table([finding(0.55, 0.7, "above"), finding(0.45, 0.7, "above")])
    assert table["verdict"].tolist() == ["supported", "undecided"]
    assert table["criterion"].tolist() == ["interval above 0.5"] * 2
    assert table[["value", "n", "low", "high"]].iloc[0].tolist() == [0.6, 10, 0.55, 0.7]


def test_a_network_that_has_not_learnt_supports_no_claim():
    tables = {
        "one": findings_table([finding(0.55, 0.7, "above")]),
        "two": findings_table([finding(0.4, 0.45, "above")]),
    }
    learnt = joined_findings(tables, {})
    assert learnt["verdict"].tolist() == ["supported", "contradicted"]
    assert learnt["remark"].tolist() == ["no untrained network was measured", ""]
    assert learnt["analysis"].tolist() == ["one", "two"]
    not_learnt = joined_findings(tables, {}, ["finetuned"])
    assert set(not_learnt["seeds"]) == {"0 of 0"}
    assert set(not_learnt["verdict"]) == {"not applicable"}
    assert set(not_learnt["remark"]) == {"the network has not learnt its task"}
    assert joined_findings({}, {}).empty


def test_a_claim_that_an_untrained_network_shows_is_unspecific():
    def of(*lows):
        """Findings on statistics named by their place, supported where the low is above 0.5."""
        found = [
            Finding("A 2019", "claim", f"share {i}", 0.8, low, 0.9, 10, "above", 0.5) for i, low in enumerate(lows)
        ]
        return {"one": findings_table(found)}

    replicates = {
        "random": of(0.55, 0.4, 0.6),
        "seed1": of(0.7, 0.7, 0.3, 0.6),
        "seed2": of(0.4, 0.6, 0.4, 0.2),
    }
    joined = joined_findings(of(0.6, 0.6, 0.4, 0.6), replicates)
    assert joined["verdict"].tolist() == ["unspecific", "undecided", "undecided", "supported"]
    assert joined["untrained"].tolist() == ["supported", "undecided", "supported", ""]
    assert joined["seeds"].tolist() == ["2 of 3", "3 of 3", "0 of 3", "2 of 3"]
    assert joined["untrained_low"].tolist()[:3] == [0.55, 0.4, 0.6] and math.isnan(joined["untrained_low"][3])
    assert joined["remark"].tolist() == [
        "an untrained network shows it too",
        "its interval overlaps that of an untrained network",
        "",
        "no untrained network was measured",
    ]


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.1, 0.3, "supported"), (0.1, 0.55, "undecided"), (0.45, 0.95, "undecided"), (0.55, 0.7, "unspecific")],
)
def test_a_claim_is_supported_where_the_untrained_network_is_told_apart(low, high, verdict):
    own = {"one": findings_table([finding(0.55, 0.7, "above")])}
    joined = joined_findings(own, {"random": {"one": findings_table([finding(low, high, "above")])}})
    assert joined["verdict"].tolist() == [verdict]
    remarks = {"supported": "", "undecided": "its interval overlaps that of an untrained network"}
    assert joined["remark"].tolist() == [remarks.get(verdict, "an untrained network shows it too")]


def test_a_network_beside_itself_supports_nothing():
    """Whatever its statistics are: any untrained network in the place of the trained one shows nothing."""
    values = np.random.default_rng(0).normal(size=(200, 3))
    one = [
        Finding("A 2019", "claim", f"share {i}", *np.sort(row)[[1, 0, 2]], 10, "above", 0)
        for i, row in enumerate(values)
    ]
    tables = {"one": findings_table(one)}
    assert (tables["one"]["verdict"] == "supported").any()
    assert not (joined_findings(tables, {"random": tables})["verdict"] == "supported").any()


def test_a_training_that_failed_does_not_count():
    tables = {"one": findings_table([finding(0.55, 0.7, "above")])}
    replicates = {"seed1": tables, "seed2": {"one": findings_table([finding(0.3, 0.4, "above")])}}
    assert joined_findings(tables, replicates)["seeds"].tolist() == ["2 of 3"]
    assert joined_findings(tables, replicates, ["seed2"])["seeds"].tolist() == ["2 of 2"]
    own = joined_findings(tables, replicates, ["finetuned"])
    assert own["seeds"].tolist() == ["1 of 2"] and own["verdict"].tolist() == ["not applicable"]


def test_mean_of_independent_values():
    # Three values 1, 3, 8: sd 3.60555, standard error 2.08167, Student's quantile for 2 degrees of freedom 4.30265.
    several = mean_finding("A 2019", "claim", "share", pd.Series([1.0, 3, math.nan, 8]), "above", 0, 0.95)
    assert (several.value, several.n) == (4, 3)
    assert (several.low, several.high) == pytest.approx((4 - 8.95669, 4 + 8.95669), abs=1e-4)
    for values in ([2.0, 4.0], [2.0], []):
        few = mean_finding("A 2019", "claim", "share", pd.Series(values, dtype=float), "above", 0, 0.95)
        assert few.n == len(values) and math.isnan(few.low) and few.verdict == "not applicable"
