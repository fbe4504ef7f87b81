"""Intervals against published examples and their own definitions."""

import math

import numpy as np
import pytest
from scipy import stats

from spikegeometry.stats.intervals import (
    bootstrap_weights,
    effective_size,
    mean_bounds,
    percentile_interval,
    rank_correlation_interval,
    wilson_interval,
)


# Newcombe 1998, Stat Med 17:857, table I, method 3; the last is n / (n + z^2).
@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
    + [(24, 24, 0.8620, 1.0)],
)
def test_wilson(right, n, low, high):
    assert wilson_interval(right / n, n, 0.95) == pytest.approx((low, high), abs=5e-5)


def test_wilson_holds_its_share():
    for n in range(1, 60):
        for right in range(n + 1):
            low, high = wilson_interval(right / n, n, 0.95)
            assert 0 <= low <= right / n <= high <= 1


def test_wilson_of_nothing():
    assert np.isnan(wilson_interval(np.nan, 0, 0.95)).all()


@pytest.mark.parametrize(
    ("groups", "size"),
    [("abcd", 4), ("aaaa", 1), ("aabb", 2), ("aaab", 16 / 10), ("", 0)],
)
def test_effective_size(groups, size):
    assert effective_size(np.array(list(groups))) == pytest.approx(size)


def test_resamples_draw_groups_whole():
    groups = np.array(list("aabccc"))
    weights = np.concatenate(list(bootstrap_weights(groups, 500, seed=1)))
    assert weights.shape == (500, 6)
    a, b, c = weights[:, 0], weights[:, 2], weights[:, 3]
    assert (weights == np.stack([a, a, b, c, c, c], axis=1)).all()
    assert (a + b + c == 3).all()
    # Each group is drawn once on average, with variance 3 x 1/3 x 2/3.
    assert weights[:, [0, 2, 3]].mean(0) == pytest.approx([1, 1, 1], abs=0.15)
    assert weights[:, [0, 2, 3]].var(0) == pytest.approx([2 / 3] * 3, abs=0.15)


def test_resamples_do_not_depend_on_batches(monkeypatch):
    groups = np.arange(7)
    whole = np.concatenate(list(bootstrap_weights(groups, 25, seed=1)))
    monkeypatch.setattr("spikegeometry.stats.intervals.WEIGHTS_IN_MEMORY", 30)
    assert len(list(bootstrap_weights(groups, 25, seed=1))) == 7
    assert (np.concatenate(list(bootstrap_weights(groups, 25, seed=1))) == whole).all()
    assert (np.concatenate(list(bootstrap_weights(groups, 25, seed=2))) != whole).any()


def test_percentile_interval():
    assert percentile_interval(np.full(100, 0.7), 0.95) == (0.7, 0.7)
    assert percentile_interval(np.arange(101.0), 0.9) == pytest.approx((5.0, 95.0))
    assert percentile_interval(np.array([np.nan, 1.0, np.nan]), 0.95) == (1.0, 1.0)
    assert np.isnan(percentile_interval(np.array([np.nan]), 0.95)).all()


def test_bootstrap_of_a_mean_meets_its_standard_error():
    sample = np.random.default_rng(5).normal(size=400)
    means = np.concatenate([w @ sample / w.sum(1) for w in bootstrap_weights(np.arange(400), 2000, seed=1)])
    low, high = percentile_interval(means, 0.95)
    half_width = 1.96 * sample.std() / np.sqrt(400)
    assert (low, high) == pytest.approx((sample.mean() - half_width, sample.mean() + half_width), abs=0.015)


@pytest.mark.parametrize("alpha", [0.5, 2.0, 9.0])
@pytest.mark.parametrize("n", [3, 9])
def test_bounds_of_a_mean_cover_where_values_crowd_at_an_end(alpha, n):
    """Beta values with a mean from 0.1 to 0.9: at least 91% of intervals hold it, where plain Student's hold 84%."""
    beta = {0.5: 5.0, 2.0: 6.0, 9.0: 1.0}[alpha]
    values = np.random.default_rng(0).beta(alpha, beta, (4000, n))
    low, high = mean_bounds(values.mean(axis=1), values.std(axis=1, ddof=1), n, 0.95, 0, 1)
    assert ((low >= 0) & (high <= 1)).all()
    assert 0.91 < ((low <= alpha / (alpha + beta)) & (high >= alpha / (alpha + beta))).mean() < 0.97


def test_bounds_of_a_mean_by_hand():
    # Three values of sd 0.1: standard error 0.057735, Student's quantile for two degrees of freedom 4.302653.
    half = 4.302653 * 0.1 / math.sqrt(3)
    assert mean_bounds(5.0, 0.1, 3, 0.95) == pytest.approx((5 - half, 5 + half), abs=1e-6)
    # The logit of 0.7 is 0.847298, and its standard error that of the mean over 0.7 x 0.3.
    shift = half / 0.21
    expected = [1 / (1 + math.exp(-(0.8472979 + side * shift))) for side in (-1, 1)]
    assert mean_bounds(0.7, 0.1, 3, 0.95, 0, 1) == pytest.approx(expected, abs=1e-6)
    # From -1 to 1 it is Fisher's z of the mean: atanh, whose derivative is 1 / (1 - r^2).
    z = math.atanh(0.4), half / (1 - 0.16)
    expected = [math.tanh(z[0] + side * z[1]) for side in (-1, 1)]
    assert mean_bounds(0.4, 0.1, 3, 0.95, -1, 1) == pytest.approx(expected, abs=1e-6)


def test_bounds_of_few_or_equal_values():
    assert np.isnan(mean_bounds(0.5, 0.1, 2, 0.95)).all()
    assert np.isnan(mean_bounds(1.0, np.nan, 1, 0.95, 0, 1)).all()
    assert mean_bounds(1.0, 0.0, 5, 0.95, 0, 1) == (1, 1)
    assert mean_bounds(0.25, 0.0, 5, 0.95, 0, 1) == pytest.approx((0.25, 0.25))
    least, most = np.array([0, -np.inf]), np.array([1, np.inf])
    low, high = mean_bounds(np.array([0.5, 9.0]), 0.1, np.array([9, 2]), 0.95, least, most)
    assert np.isfinite([low[0], high[0]]).all() and np.isnan([low[1], high[1]]).all()


def test_interval_of_a_rank_correlation():
    # Fisher's z of 0.5 is 0.549306; the variance (1 + 0.25 / 2) / 25.
    half = 1.959964 * math.sqrt(1.125 / 25)
    expected = math.tanh(0.549306 - half), math.tanh(0.549306 + half)
    assert rank_correlation_interval(0.5, 28, 0.95) == pytest.approx(expected, abs=1e-6)
    assert rank_correlation_interval(-1.0, 28, 0.95) == (-1, -1)
    assert np.isnan([rank_correlation_interval(0.5, 3, 0.95), rank_correlation_interval(np.nan, 28, 0.95)]).all()


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_coverage_of_a_rank_correlation(rho):
    draws = np.random.default_rng(1).multivariate_normal([0, 0], [[1, rho], [rho, 1]], (600, 50))
    truth = 6 / math.pi * math.asin(rho / 2)
    bounds = [rank_correlation_interval(stats.spearmanr(pair).statistic, 50, 0.95) for pair in draws]
    assert 0.93 < np.mean([low <= truth <= high for low, high in bounds]) < 0.97
