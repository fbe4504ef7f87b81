"""Tables over classes from measurements of sequences, by hand, and the choice of layers, heads and classes."""

import numpy as np
import pandas as pd
import pytest
import torch

from spikegeometry.errors import InputError
from spikegeometry.geometry.selection import choose
from spikegeometry.stats.intervals import wilson_interval
from spikegeometry.stats.summaries import (
    Records,
    class_means,
    class_medians,
    class_profiles,
    distinct,
    label_shares,
    measurement_table,
    number_inputs,
)

# Input 1 stands twice in class a; class b has one input, class c none.
MEASUREMENTS = pd.DataFrame(
    [
        ("a", 0, 1, 1.0, 2.0, "x"),
        ("a", 1, 1, 3.0, np.nan, "y"),
        ("a", 1, 1, 3.0, np.nan, "y"),
        ("a", 2, 1, 8.0, 5.0, "x"),
        ("b", 3, 1, 6.0, np.nan, "x"),
        ("b", 3, np.nan, 7.0, np.nan, "x"),
    ],
    columns=["class", "input", "head", "R", "C", "label"],
)


def test_class_means():
    table = class_means(MEASUREMENTS, ["b", "a", "c"], ["head"], ["R", "C"], 0.95)
    assert list(table.columns) == ["class", "head", "statistic", "value", "n", "low", "high"]
    found = {tuple(row[:3]): tuple(row[3:5]) for row in table.fillna({"head": 0}).itertuples(index=False)}
    assert found == {
        ("b", 1, "R"): (6, 1),
        ("b", 0, "R"): (7, 1),
        ("a", 1, "R"): (4, 3),
        ("a", 1, "C"): (3.5, 2),
        ("all", 1, "R"): (4.5, 4),
        ("all", 1, "C"): (3.5, 2),
        ("all", 0, "R"): (7, 1),
    }
    assert list(dict.fromkeys(table["class"])) == ["b", "a", "all"]
    bounds = table.set_index(["class", "head", "statistic"])[["low", "high"]]
    # Three values 1, 3, 8: sd 3.60555, standard error 2.08167, Student's quantile for 2 degrees of freedom 4.30265.
    assert bounds.loc["a", 1, "R"].to_list() == pytest.approx([4 - 8.95669, 4 + 8.95669], abs=1e-4)
    assert bounds.loc["b", 1, "R"].isna().all()


def test_class_medians():
    table = class_medians(MEASUREMENTS, ["b", "a", "c"], ["head"], ["R", "C"], 0.95)
    medians = table.fillna({"head": 0}).set_index(["class", "head", "statistic"])
    assert medians["value"].to_dict() == {
        ("b", 1, "R"): 6,
        ("b", 0, "R"): 7,
        ("a", 1, "R"): 3,
        ("a", 1, "C"): 3.5,
        ("all", 1, "R"): 4.5,
        ("all", 1, "C"): 3.5,
        ("all", 0, "R"): 7,
    }
    assert medians.loc["a", 1, "R"]["n"] == 3
    assert medians["low"].isna().all()
    # Of ten values, the second and the last but one: at most one of ten lies below the median with probability 0.011.
    ten = pd.DataFrame({"class": "a", "input": range(10), "head": 1, "R": np.arange(10.0)[::-1] ** 2})
    row = class_medians(ten, ["a"], ["head"], ["R"], 0.95).iloc[0]
    assert row[["value", "n", "low", "high"]].to_list() == [20.5, 10, 1, 64]


def test_class_profiles():
    rows = pd.DataFrame(
        [("a", 0, 1, 4.0), ("a", 0, 2, 2.0), ("a", 1, 1, 1.0), ("a", 1, 1, 1.0), ("b", 2, 1, 7.0)],
        columns=["class", "input", "bin", "value"],
    )
    table = class_profiles(rows, ["a", "b", "c"], ["bin"]).set_index(["class", "bin"])
    # Input 1 of class a has nothing in bin 2, and its copy does not count.
    values = {("a", 1): 2.5, ("a", 2): 1, ("b", 1): 7, ("all", 1): 4, ("all", 2): 2 / 3}
    assert table["value"].to_dict() == pytest.approx(values)
    assert table["n"].groupby(level=0).max().to_dict() == {"a": 2, "b": 1, "all": 3}


def test_label_shares():
    table = label_shares(MEASUREMENTS, ["a", "b", "c"], ["head"], "label", 0.95)
    assert list(table.columns) == ["class", "head", "label", "statistic", "value", "n", "low", "high"]
    shares = table.set_index(["class", "head", "label"])
    assert shares.loc["a", 1, "x"][["value", "n"]].to_list() == [pytest.approx(2 / 3), 3]
    assert shares.loc["a", 1, "y"][["value", "n"]].to_list() == [pytest.approx(1 / 3), 3]
    assert shares.loc["all", 1, "x"][["value", "n"]].to_list() == [0.75, 4]
    assert shares.loc["all", 1, "x"][["low", "high"]].to_list() == pytest.approx(wilson_interval(0.75, 4, 0.95))
    assert len(table) == 7


def test_measurement_table():
    table = measurement_table(
        [{"class": "a", "head": [1, 2], "R": torch.tensor([0.5, 0.25])}, {"class": "b", "head": None, "R": 1.0}]
    )
    assert table["class"].tolist() == ["a", "a", "b"]
    assert table["head"].fillna(0).tolist() == [1, 2, 0]
    assert table["R"].tolist() == [0.5, 0.25, 1.0]
    with pytest.raises(InputError, match="No sequence is recorded"):
        measurement_table([])


def test_equal_rows_of_tokens_have_one_number():
    numbers = number_inputs(np.array([[2, 5, 3], [2, 6, 3], [2, 5, 3]]))
    assert numbers[0] == numbers[2] != numbers[1]


def test_copies_are_left_out_within_a_class_alone():
    members = [("a", 0), ("a", 0), ("b", 0), ("a", 1), ("a", 2), ("b", 1)]
    labelled = [({"class": name, "input": number}, place) for place, (name, number) in enumerate(members)]
    assert [place for _, place in distinct(labelled)] == [0, 2, 3, 4, 5]
    assert [place for _, place in distinct(labelled, most=2)] == [0, 2, 3, 5]


def test_bounds_of_a_median_need_six_values():
    """All of five lie on one side of the median with a probability of 2/32, all of six with 2/64."""
    for n, bounds in ((5, [np.nan, np.nan]), (6, [0, 5])):
        rows = pd.DataFrame({"class": "a", "input": range(n), "head": 1, "R": np.arange(n, dtype=float)})
        row = class_medians(rows, ["a"], ["head"], ["R"], 0.95).iloc[0]
        assert row[["low", "high"]].to_list() == pytest.approx(bounds, nan_ok=True)


def test_choose():
    assert choose([], range(1, 4), "key") == [1, 2, 3]
    assert choose([3, 1], range(1, 4), "key") == [1, 3]
    with pytest.raises(InputError, match=r"Config key a\.layers: 4 does not exist\.\nThere are: 1, 2, 3\."):
        choose([4], range(1, 4), "a.layers")


def test_kept_records_are_plain_and_make_the_same_table():
    records = [{"name": "a", "head": [1, 2], "none": None, "value": torch.tensor([0.5, 1.5])}]
    kept = Records()
    for record in records:
        kept.append(record)
    assert kept == [{"name": "a", "head": [1, 2], "none": None, "value": [0.5, 1.5]}]
    pd.testing.assert_frame_equal(measurement_table(kept), measurement_table(records))
