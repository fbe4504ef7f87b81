"""Confidence intervals where some sequences are copies of others.

Genomes with an identical gene sequence (a haplotype) get the same prediction, so they are one observation, not many.
The bootstrap therefore draws haplotypes, and Wilson's interval takes the number of observations that the copies are
worth.
"""

from collections.abc import Iterator

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm, t

from spikegeometry.streams import Stream

# Weights held at once, of which metrics make some dozens of copies; more of them no longer fit a processor's cache and
# take longer.
WEIGHTS_IN_MEMORY = 100_000
# Independent values that an interval of their mean needs at least.
FEWEST = 3


def wilson_interval(share: float, n: float, confidence: float) -> tuple[float, float]:
    """Wilson's score interval of a proportion `share` seen in `n` observations; NaN where n is 0.

    Wilson 1927, J Am Stat Assoc 22:209, without continuity correction. `n` need not be whole (`effective_size`).
    """
    if n == 0:
        return np.nan, np.nan
    z = norm.ppf((1 + confidence) / 2)
    centre = share + z**2 / (2 * n)
    half_width = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low, high = (centre - half_width) / (1 + z**2 / n), (centre + half_width) / (1 + z**2 / n)
    # Rounding may leave a bound beside the share where they are equal (all right or all wrong).
    return min(max(low, 0.0), share), max(min(high, 1.0), share)


def mean_bounds(mean, sd, n, confidence: float, least=-np.inf, most=np.inf) -> tuple[np.ndarray, np.ndarray]:
    """Interval of a mean of `n` values with standard deviation `sd`, numbers or arrays; NaN for n under FEWEST.

    Student's. Where the values cannot leave the range from `least` to `most`, Student's of the mean's logit in that
    range, to first order (the delta method; Agresti, Categorical Data Analysis, section 1.3.3): it stays in the range,
    and covers better where values crowd at an end of it. From -1 to 1 that is Fisher's z.
    """
    numbers = (np.asarray(one, dtype=float) for one in (mean, sd, n, least, most))
    mean, sd, n, least, most = np.broadcast_arrays(*numbers)
    with np.errstate(divide="ignore", invalid="ignore"):
        half = np.where(n >= FEWEST, t.ppf((1 + confidence) / 2, n - 1) * sd / np.sqrt(n), np.nan)
        width = most - least
        place = logit((mean - least) / width)
        spread = half * width / ((mean - least) * (most - mean))
        within = [least + width * expit(place + side * spread) for side in (-1, 1)]
    # At an end of the range all values are the same, and so is the interval.
    at_end = (mean <= least) | (mean >= most)
    bounded = np.isfinite(width)
    low, high = (
        np.where(at_end | ~bounded, mean + side * half, inside) for side, inside in zip((-1, 1), within, strict=True)
    )
    return low[()], high[()]


def rank_correlation_interval(correlation: float, n: int, confidence: float) -> tuple[float, float]:
    """Interval of Spearman's correlation over n units, on Fisher's scale; NaN for n of 3 or less.

    The variance is (1 + correlation^2 / 2) / (n - 3) (Bonett and Wright 2000, Psychometrika 65:23).
    """
    if n <= 3 or np.isnan(correlation):
        return np.nan, np.nan
    if abs(correlation) == 1:
        return correlation, correlation
    half = norm.ppf((1 + confidence) / 2) * np.sqrt((1 + correlation**2 / 2) / (n - 3))
    low, high = np.tanh(np.arctanh(correlation) + half * np.array([-1, 1]))
    return float(low), float(high)


def effective_size(groups: np.ndarray) -> float:
    """Number of independent observations that sequences in `groups` (n,) are worth, at most the number of groups.

    Kish 1965, Survey Sampling: (sum of m)^2 / sum of m^2 over groups of m copies; n where all are single, 1 where all
    are copies of one.
    """
    sizes = np.unique(groups, return_counts=True)[1]
    return float(sizes.sum() ** 2 / (sizes**2).sum()) if len(sizes) else 0.0


def bootstrap_weights(groups: np.ndarray, samples: int, seed: int) -> Iterator[np.ndarray]:
    """Weights (b, n) of bootstrap resamples, in batches that add up to `samples`.

    Each resample draws as many groups as there are, with replacement; a sequence weighs as often as its group was
    drawn. The same groups and seed give the same resamples, so models of one set are compared on the same ones.
    There must be at least one sequence.
    """
    names, members = np.unique(groups, return_inverse=True)
    generator = np.random.default_rng([seed, Stream.BOOTSTRAP])
    batch = max(1, WEIGHTS_IN_MEMORY // len(groups))
    for start in range(0, samples, batch):
        rows = min(batch, samples - start)
        drawn = generator.integers(len(names), size=(rows, len(names)))
        cells = drawn + len(names) * np.arange(rows)[:, None]
        counts = np.bincount(cells.ravel(), minlength=cells.size).reshape(cells.shape)
        yield counts[:, members].astype(np.float64)


def percentile_interval(resampled: np.ndarray, confidence: float) -> tuple[float, float]:
    """Percentile interval of a metric's values (B,) over resamples; those where it is not defined are left out."""
    defined = resampled[~np.isnan(resampled)]
    if not len(defined):
        return np.nan, np.nan
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
