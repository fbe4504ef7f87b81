"""Whether a classifier that says 90% is right nine times out of ten.

Confidence is the largest class probability of a sequence. Bins are equally wide, open below and closed above, after
Guo et al. 2017, arXiv 1706.04599, section 2.
"""

import numpy as np
import pandas as pd
from scipy import sparse

from spikegeometry.evaluation.metrics import ratio


def confidence_bins(confidence: np.ndarray, n_bins: int) -> np.ndarray:
    """Bin (n,) of each confidence: bin b holds b / n_bins < confidence <= (b + 1) / n_bins; 0 is in the first."""
    return np.clip(np.ceil(confidence * n_bins).astype(int) - 1, 0, n_bins - 1)


def expected_calibration_error(
    confidence: np.ndarray, correct: np.ndarray, n_bins: int, weights: np.ndarray
) -> np.ndarray:
    """Mean gap (B,) between accuracy and confidence of the bins, weighted by their sequences (Guo et al., eq. 3).

    `confidence` and `correct` are (n,), `weights` (B, n).
    """
    n = len(confidence)
    cells = (correct - confidence, (confidence_bins(confidence, n_bins), np.arange(n)))
    gaps = sparse.csr_array(cells, shape=(n_bins, n)) @ weights.T
    return ratio(np.abs(gaps).sum(0), weights.sum(1))


def reliability_table(confidence: np.ndarray, correct: np.ndarray, n_bins: int) -> pd.DataFrame:
    """One row a bin: bin_low (excluded), bin_high (included), n, confidence and accuracy (means, NaN if n is 0)."""
    bins = confidence_bins(confidence, n_bins)
    counts = np.bincount(bins, minlength=n_bins)
    return pd.DataFrame(
        {
            "bin_low": np.arange(n_bins) / n_bins,
            "bin_high": np.arange(1, n_bins + 1) / n_bins,
            "n": counts,
            "confidence": ratio(np.bincount(bins, confidence, n_bins), counts),
            "accuracy": ratio(np.bincount(bins, correct, n_bins), counts),
        }
    )
