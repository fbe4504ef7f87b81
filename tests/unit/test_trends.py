"""Statistics by layer: intervals, the jackknife, and correlations of ranks."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from spikegeometry.stats.trends import (
    class_jackknife,
    jackknife_interval,
    layer_values,
    mean_interval,
    rank_correlations,
)

VALUES = np.array([0.3, 1.2, -0.4, 2.0, 0.9])


def test_mean_interval_against_scipy():
    found = mean_interval([*VALUES, np.nan], 0.9)
    low, high = stats.t.interval(0.9, 4, VALUES.mean(), stats.sem(VALUES))
    assert [found[key] for key in ("value", "low", "high", "n")] == pytest.approx([VALUES.mean(), low, high, 5])


@pytest.mark.parametrize(("values", "n"), [([], 0), ([np.nan], 0), ([2.0], 1)])
def test_too_few_for_an_interval(values, n):
    found = mean_interval(values, 0.9)
    assert found["n"] == n and np.isnan(found["low"]) and np.isnan(found["value"]) == (n == 0)
    assert all(np.isnan(jackknife_interval(1.0, np.array(values[:1]), 0.9)))


def test_jackknife_of_a_mean_is_students_interval():
    left_out = np.array([np.delete(VALUES, one).mean() for one in range(5)])
    expected = mean_interval(VALUES, 0.95)
    assert jackknife_interval(VALUES.mean(), left_out, 0.95) == pytest.approx((expected["low"], expected["high"]))


def test_layers_are_means_over_heads_and_then_over_the_inputs_of_a_class():
    rows = [
        ("a", 0, 1, 2.0),
        ("a", 0, 1, 4.0),
        ("a", 0, 2, np.nan),
        ("a", 0, 2, 7.0),
        ("a", 1, 1, 1.0),
        ("a", 1, 2, 0.0),
    ]
    rows += [("b", 0, 1, 9.0), ("b", 0, 2, 8.0)]
    table = layer_values(pd.DataFrame(rows, columns=["class", "input", "layer", "x"]), "x")
    assert table.index.tolist() == ["a", "b"]
    assert table.to_numpy().tolist() == [[2, 3.5], [9, 8]]


def test_jackknife_over_classes_is_students_interval_of_their_means():
    values = np.array([1.0, 3.0, 2.0, 6.0, 7.0, 1.0])
    left_out = np.array([np.delete(values, one).mean() for one in range(6)])
    expected = mean_interval([2.0, 4.0, 4.0], 0.95)
    low, high, n = class_jackknife(values.mean(), left_out, np.array(list("aabbcc")), 0.95)
    assert (low, high, n) == pytest.approx((expected["low"], expected["high"], 3))
    # Classes that say each other's contrary cancel, and of two there is no interval.
    assert np.isnan(class_jackknife(values.mean(), left_out, np.array(list("aaabbb")), 0.95)[:2]).all()


def test_intervals_over_classes_cover_where_sequences_of_a_class_are_alike():
    """Eight classes of five sequences, nine tenths of the variance between them: 95% hold the truth, where intervals
    over sequences hold it in two thirds."""
    generator = np.random.default_rng(2)
    classes = np.repeat(np.arange(8), 5)
    covered = {"classes": 0, "sequences": 0}
    for _ in range(400):
        values = generator.normal(size=8)[classes] * 3 + generator.normal(size=40)
        left_out = (values.sum() - values) / 39
        for name, (low, high) in {
            "classes": class_jackknife(values.mean(), left_out, classes, 0.95)[:2],
            "sequences": jackknife_interval(values.mean(), left_out, 0.95),
        }.items():
            covered[name] += low <= 0 <= high
    assert 0.93 < covered["classes"] / 400 < 0.98 and covered["sequences"] / 400 < 0.75


def test_rank_correlations_against_scipy():
    generator = np.random.default_rng(0)
    tables = {name: pd.DataFrame(generator.normal(size=(3, 6)).round(1)) for name in "ab"}
    tables = {name: table.rename_axis("class") for name, table in tables.items()}
    found = rank_correlations(tables | {"c": tables["a"] * 0}).set_index(["one", "other", "class"])["correlation"]
    for one in range(3):
        expected = stats.spearmanr(tables["a"].loc[one], tables["b"].loc[one]).statistic
        assert found["a", "b", one] == pytest.approx(expected)
        assert found["a", "a", one] == pytest.approx(1)
        assert np.isnan(found["a", "c", one])
