"""Spearman's rank correlation."""

import numpy as np
from scipy.stats import rankdata


def rank_correlation(values: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """Spearman's correlation (...) of `values` (..., n) with `fixed` (..., n) or (n,) over the last axis.

    Ties have their mean rank. NaN where one of the two does not vary. Where values are NaN they are left out; the ranks
    of `fixed` stay those among all.
    """
    if values.shape[-1] < 2:
        return np.full(values.shape[:-1], np.nan)
    known = np.isfinite(values)
    one = rankdata(values, axis=-1, nan_policy="omit")
    other = np.where(known, rankdata(fixed, axis=-1), np.nan)
    counts = np.maximum(known.sum(axis=-1, keepdims=True), 1)
    one, other = (np.nan_to_num(ranks - np.nansum(ranks, axis=-1, keepdims=True) / counts) for ranks in (one, other))
    size = np.sqrt((one**2).sum(axis=-1) * (other**2).sum(axis=-1))
    return np.divide((one * other).sum(axis=-1), size, out=np.full(size.shape, np.nan), where=size > 0)
