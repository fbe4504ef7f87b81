"""Spearman's correlation, against scipy and pandas."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from spikegeometry.geometry.ranks import rank_correlation


def test_by_hand():
    one = np.array([[1.0, 2, 3, 4], [1, 2, 3, 4], [1, 1, 1, 1]])
    other = np.array([[10.0, 20, 30, 31], [4, 3, 2, 1], [1, 2, 3, 4]])
    assert rank_correlation(one, other).tolist() == pytest.approx([1, -1, np.nan], nan_ok=True)


def test_rows_against_one_with_ties():
    generator = np.random.default_rng(0)
    values, fixed = generator.integers(5, size=(2, 30)).astype(float), generator.integers(9, size=30)
    expected = [stats.spearmanr(row, fixed).statistic for row in values]
    assert rank_correlation(values, fixed) == pytest.approx(expected)


def test_ties_against_pandas():
    x, y = np.array([1.0, 2, 2, 3, 9]), np.array([2.0, 1, 4, 4, 5])
    assert rank_correlation(x, y) == pytest.approx(pd.Series(x).corr(pd.Series(y), method="spearman"))
    assert np.isnan(rank_correlation(x, np.ones(5)))


def test_missing_values_are_left_out():
    values, fixed = np.array([3.0, np.nan, 1, 2]), np.array([4.0, 9, 1, 2])
    assert rank_correlation(values, fixed) == pytest.approx(stats.pearsonr([3, 1, 2], [3, 1, 2]).statistic)
    # Of three others in the ranks 3, 1 and 4 of 4.
    assert rank_correlation(values, np.array([3.0, 2, 1, 9])) == pytest.approx(
        stats.pearsonr([3, 1, 2], [3, 1, 4]).statistic
    )


def test_fewer_than_two():
    assert np.isnan(rank_correlation(np.ones((2, 1)), np.ones(1))).all()
