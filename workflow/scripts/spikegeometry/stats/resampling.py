"""Intervals of any statistic that takes weights of sequences, by the bootstrap over distinct sequences."""

from collections.abc import Callable, Hashable
from typing import TypeVar

import numpy as np

from spikegeometry.stats.intervals import bootstrap_weights, percentile_interval

Name = TypeVar("Name", bound=Hashable)
# A statistic for each weighting: from weights (B, n) to values (B,) by their names.
Statistics = Callable[[np.ndarray], dict[Name, np.ndarray]]


def estimates(
    statistics: Statistics[Name], groups: np.ndarray, samples: int, confidence: float, seed: int
) -> dict[Name, tuple[float, float, float]]:
    """Value, low and high of each statistic; the percentile interval over `samples` resamples of `groups` (n,).

    Sequences of one group are copies and are drawn together. There is no interval without a second group, and none of
    what is not defined (NaN) on the sequences themselves.
    """
    values = statistics(np.ones((1, len(groups))))
    resampled: dict[Name, list[np.ndarray]] = {name: [] for name in values}
    if len(np.unique(groups)) > 1:
        for weights in bootstrap_weights(groups, samples, seed):
            for name, several in statistics(weights).items():
                resampled[name].append(several)
    found = {}
    for name, (value,) in values.items():
        defined = np.concatenate([*resampled[name], np.empty(0)]) if np.isfinite(value) else np.empty(0)
        found[name] = (float(value), *percentile_interval(defined, confidence))
    return found


def slope(places: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Least-squares slope (B,) of values (p, B) over places (p,); NaN where there is one place."""
    centred = places - np.mean(places)
    if not centred.any():
        return np.full(values.shape[1:], np.nan)
    return centred @ values / (centred @ centred)
