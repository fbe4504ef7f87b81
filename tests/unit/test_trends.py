"""Statistics by layer: intervals, the jackknife, and correlations of ranks."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from spikegeometry.evaluation.trends import jackknife_interval, layer_values, mean_interval, rank_correlations

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


def test_layers_are_means_over_heads():
    rows = [(0, 1, 2.0), (0, 1, 4.0), (0, 2, np.nan), (0, 2, 7.0), (1, 1, 1.0), (1, 2, 0.0)]
    table = layer_values(pd.DataFrame(rows, columns=["input", "layer", "x"]), "x")
    assert table.to_numpy().tolist() == [[3, 7], [1, 0]]


def test_rank_correlations_against_scipy():
    generator = np.random.default_rng(0)
    tables = {name: pd.DataFrame(generator.normal(size=(3, 6)).round(1)) for name in "ab"}
    tables = {name: table.rename_axis("input") for name, table in tables.items()}
    found = rank_correlations(tables | {"c": tables["a"] * 0}).set_index(["one", "other", "input"])["correlation"]
    for one in range(3):
        expected = stats.spearmanr(tables["a"].loc[one], tables["b"].loc[one]).statistic
        assert found["a", "b", one] == pytest.approx(expected)
        assert found["a", "a", one] == pytest.approx(1)
        assert np.isnan(found["a", "c", one])
