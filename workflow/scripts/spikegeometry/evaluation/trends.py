"""How a statistic changes from layer to layer, as numbers of single sequences and their mean."""

import numpy as np
import pandas as pd
from scipy import stats

from spikegeometry.evaluation.intervals import student_half_width


def layer_values(measurements: pd.DataFrame, statistic: str) -> pd.DataFrame:
    """A row for each distinct input and a column for each layer: the statistic, in the mean over heads that have it."""
    return measurements.groupby(["input", "layer"])[statistic].mean().unstack("layer")


def mean_interval(values, confidence: float) -> dict[str, float]:
    """value, low, high and n of the mean of `values` (those that are NaN left out), with Student's interval."""
    known = np.asarray(values, dtype=float)
    known = known[~np.isnan(known)]
    if not len(known):
        return {"value": np.nan, "low": np.nan, "high": np.nan, "n": 0}
    mean = known.mean()
    half = student_half_width(known.std(ddof=1), len(known), confidence) if len(known) > 1 else np.nan
    return {"value": mean, "low": mean - half, "high": mean + half, "n": len(known)}


def jackknife_interval(value: float, left_out: np.ndarray, confidence: float) -> tuple[float, float]:
    """Interval of a statistic, from its values (n,) with one sequence left out each time; missing for n < 2.

    Tukey's: the variance is (n - 1) / n times the sum of squares of these values about their mean, and Student's law
    has n - 1 degrees of freedom (Efron and Tibshirani, An Introduction to the Bootstrap, chapter 11). It holds for what
    changes smoothly with the weight of a sequence.
    """
    n = len(left_out)
    if n < 2:
        return np.nan, np.nan
    half = stats.t.ppf((1 + confidence) / 2, n - 1) * np.sqrt((n - 1) / n * np.square(left_out - left_out.mean()).sum())
    return value - half, value + half


def rank_correlations(values: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Spearman's correlation over the layers of every two measures, for each input.

    `values`: `layer_values` of each measure. Columns: input, one, other, correlation; missing where a measure is the
    same in all layers. There are at least two layers.
    """
    ranks = {name: table.rank(axis=1).sub(table.rank(axis=1).mean(axis=1), axis=0) for name, table in values.items()}
    tables = []
    for one, x in ranks.items():
        for other, y in ranks.items():
            size = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
            correlation = (x * y).sum(axis=1) / size.where(size > 0)
            tables.append(correlation.rename("correlation").reset_index().assign(one=one, other=other))
    return pd.concat(tables, ignore_index=True)[["input", "one", "other", "correlation"]]
