"""Tests of two classifiers on the same sequences, and of many such pairs at once."""

import numpy as np
from scipy.stats import binom


def mcnemar(lost: int, won: int) -> float:
    """Exact two-sided p of McNemar's test (1947) for `lost` sequences right before and wrong after, and `won`."""
    return float(min(1.0, 2 * binom.cdf(min(lost, won), lost + won, 0.5)))


def holm(p: np.ndarray) -> np.ndarray:
    """P-values (n,) after Holm's step-down correction (1979, Scand J Stat 6:65)."""
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted
