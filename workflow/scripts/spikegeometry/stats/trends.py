"""How a statistic changes from layer to layer, as numbers of single sequences and their mean."""

from typing import Any

import numpy as np
import pandas as pd

from spikegeometry.stats.intervals import mean_bounds


def layer_values(measurements: pd.DataFrame, statistic: str) -> pd.DataFrame:
    """A statistic over classes and layers: the mean over the heads, then over the distinct inputs of the class.

    Sequences of a class are nearly copies of one another, so that the class is the unit of claims on networks.
    """
    by_input = measurements.groupby(["class", "input", "layer"])[statistic].mean()
    return by_input.groupby(["class", "layer"]).mean().unstack("layer")


def over_classes(values: pd.Series | pd.DataFrame) -> pd.Series | pd.DataFrame:
    """Means of the inputs of each class, of values with the levels class and input in their index."""
    return values.groupby(level="class").mean()


def mean_interval(values, confidence: float, bounds: tuple[float, float] = (-np.inf, np.inf)) -> dict[str, Any]:
    """value, low, high and n of the mean of `values` (those that are NaN left out), with `mean_bounds` in `bounds`."""
    known = np.asarray(values, dtype=float)
    known = known[~np.isnan(known)]
    if not len(known):
        return {"value": np.nan, "low": np.nan, "high": np.nan, "n": 0}
    mean, sd = known.mean(), known.std(ddof=1) if len(known) > 1 else np.nan
    low, high = mean_bounds(mean, sd, len(known), confidence, *bounds)
    return {"value": mean, "low": float(low), "high": float(high), "n": len(known)}


def jackknife_interval(
    value: float, left_out: np.ndarray, confidence: float, bounds: tuple[float, float] = (-np.inf, np.inf)
) -> tuple[float, float]:
    """Interval of a statistic, from its values (n,) with one sequence left out each time; missing for n under FEWEST.

    Tukey's: the variance is (n - 1) / n times the sum of squares of these values about their mean, and Student's law
    has n - 1 degrees of freedom (Efron and Tibshirani, An Introduction to the Bootstrap, chapter 11). It holds for what
    changes smoothly with the weight of a sequence. Where the statistic cannot leave `bounds` it is the interval of the
    statistic's logit in that range (`intervals.mean_bounds`).
    """
    n = len(left_out)
    # The standard error, as that of a mean of n values with this standard deviation.
    sd = np.sqrt((n - 1) * np.square(left_out - np.mean(left_out)).sum()) if n else np.nan
    low, high = mean_bounds(value, sd, n, confidence, *bounds)
    return float(low), float(high)


def class_jackknife(
    value: float, left_out: np.ndarray, classes: np.ndarray, confidence: float
) -> tuple[float, float, int]:
    """Interval of a statistic whose units are the classes, and their number, from the values of `jackknife_interval`.

    What the sequences of a class move it by is summed to first order: of a mean over classes of one size this gives
    Student's interval of the means of the classes (Cameron and Miller 2015, J Hum Resour 50:317, sections II and VI).
    """
    names, number = np.unique(classes, return_inverse=True)
    n, of = len(left_out), len(names)
    sums = np.bincount(number, left_out - np.mean(left_out), minlength=of)
    error = (n - 1) / n * np.sqrt(of / (of - 1) * np.square(sums).sum()) if of > 1 else np.nan
    low, high = mean_bounds(value, error * np.sqrt(of), of, confidence)
    return float(low), float(high), of


def rank_correlations(values: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Spearman's correlation over the layers of every two measures, for each class.

    `values`: `layer_values` of each measure. Columns: class, one, other, correlation; missing where a measure is the
    same in all layers. There are at least two layers.
    """
    ranks = {name: table.rank(axis=1).sub(table.rank(axis=1).mean(axis=1), axis=0) for name, table in values.items()}
    tables = []
    for one, x in ranks.items():
        for other, y in ranks.items():
            size = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
            correlation = (x * y).sum(axis=1) / size.where(size > 0)
            tables.append(correlation.rename("correlation").reset_index().assign(one=one, other=other))
    return pd.concat(tables, ignore_index=True)[["class", "one", "other", "correlation"]]
