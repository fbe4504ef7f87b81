"""How well scores of substitutions pick out some of them, and how they rank beside measured values.

Precision at k is the share of the k highest scores that are wanted ones; scores that are equal share their places, so
that it is the mean over all orders of these. Drawn at random among the same n, of which m are wanted, the number of
wanted ones follows the hypergeometric law. Substitutions of one residue are no independent values: intervals resample
whole residues, and the null of a correlation gives each residue the scores of another.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.stats import hypergeom

from spikegeometry.geometry.ranks import rank_correlation


class Chance(NamedTuple):
    """Precision of random draws: mean, interval, and the probability of as many wanted ones as were found or more."""

    mean: float
    low: float
    high: float
    p: float


def precision_at(scores: np.ndarray, wanted: np.ndarray, k: int) -> float:
    """Share of the `k` highest of `scores` (n,) that are `wanted` (n,); NaN for k of 0 or more than n."""
    if not 0 < k <= len(scores):
        return np.nan
    threshold = np.sort(scores)[-k]
    above, equal = scores > threshold, scores == threshold
    return float((wanted[above].sum() + (k - above.sum()) * wanted[equal].mean()) / k)


def chance_precision(n: int, wanted: int, k: int, found: float, confidence: float) -> Chance:
    """Precision of `k` random ones of `n`, of which `wanted` are wanted, beside a precision `found`."""
    if not 0 < k <= n or np.isnan(found):
        return Chance(np.nan, np.nan, np.nan, np.nan)
    law = hypergeom(n, wanted, k)
    low, high = law.ppf([(1 - confidence) / 2, (1 + confidence) / 2]) / k
    # Equal scores may give half a wanted one; rounding must not take a whole one for more.
    return Chance(wanted / n, float(low), float(high), float(law.sf(np.ceil(found * k - 1e-9) - 1)))


def grid_correlation(scores: np.ndarray, values: np.ndarray) -> float:
    """Spearman's correlation of two grids (residues, amino acids), where both are known."""
    known = np.isfinite(scores) & np.isfinite(values)
    return float(rank_correlation(scores[known], values[known]))


def resampled_correlations(scores: np.ndarray, values: np.ndarray, weights: np.ndarray) -> Iterator[float]:
    """`grid_correlation` with each residue as often as each of `weights` (B, residues) says."""
    for several in weights.astype(int):
        rows = np.repeat(np.arange(len(scores)), several)
        yield grid_correlation(scores[rows], values[rows])


def permuted_correlations(
    scores: np.ndarray, values: np.ndarray, permutations: int, generator: np.random.Generator
) -> np.ndarray:
    """`grid_correlation` (permutations,) with the scores of whole residues in the places of others."""
    orders = (generator.permutation(len(scores)) for _ in range(permutations))
    return np.array([grid_correlation(scores[order], values) for order in orders])
