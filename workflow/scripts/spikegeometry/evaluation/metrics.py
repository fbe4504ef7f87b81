"""Metrics of a classifier that must choose one of K classes.

Metrics take weights (B, n): B weightings of the same n sequences. A row of ones gives the metric of the sample, a row
of counts that of a bootstrap resample, so an estimate and its resamples come out of the same lines. Where a metric is
not defined (no sequence of the class, nothing predicted as the class) it is NaN.
"""

import numpy as np
import pandas as pd
from scipy import sparse

# Smallest probability whose logarithm is taken, as in scikit-learn.
SMALLEST_PROBABILITY = np.finfo(np.float64).eps


def ratio(numerator: np.ndarray, denominator: np.ndarray | float) -> np.ndarray:
    """Elementwise quotient, NaN where the denominator is 0."""
    numerator, denominator = np.broadcast_arrays(np.asarray(numerator, float), np.asarray(denominator, float))
    return np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator != 0)


def confusion_matrices(labels: np.ndarray, predicted: np.ndarray, n_classes: int, weights: np.ndarray) -> np.ndarray:
    """Weighted counts (B, K, K): rows are true classes, columns predicted ones.

    `labels` and `predicted` (n,) are indices of classes, `weights` is (B, n).
    """
    n = len(labels)
    cells = sparse.csr_array((np.ones(n), (labels * n_classes + predicted, np.arange(n))), shape=(n_classes**2, n))
    return (cells @ weights.T).T.reshape(len(weights), n_classes, n_classes)


def class_metrics(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """Precision, recall, specificity and F1 (B, K) of each class against all others, from `confusion` (B, K, K)."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    support, called, total = confusion.sum(-1), confusion.sum(-2), confusion.sum((-2, -1))[..., None]
    return {
        "precision": ratio(hits, called),
        "recall": ratio(hits, support),
        "specificity": ratio(total - support - called + hits, total - support),
        "f1": np.where(support > 0, ratio(2 * hits, support + called), np.nan),
    }


def matthews_correlation(confusion: np.ndarray) -> np.ndarray:
    """Matthews correlation (B, K), from -1 to 1, of each class against all others, from `confusion` (B, K, K).

    0 where every sequence or none is called the class; NaN where all are of the class, or none is.
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    support, called, total = confusion.sum(-1), confusion.sum(-2), confusion.sum((-2, -1))[..., None]
    mixed = support * (total - support)
    spread = np.sqrt(mixed * called * (total - called))
    correlation = np.nan_to_num(ratio(hits * total - support * called, spread))
    return np.where(mixed > 0, correlation, np.nan)


def overall_metrics(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """Accuracy, balanced accuracy, macro and micro F1 (B,), from `confusion` (B, K, K).

    Balanced accuracy and macro F1 are means over the classes that have a sequence. Micro F1, with one label for each
    sequence, equals accuracy; it is given because readers look for it.
    """
    classes = class_metrics(confusion)
    accuracy = ratio(np.trace(confusion, axis1=-2, axis2=-1), confusion.sum((-2, -1)))
    return {
        "accuracy": accuracy,
        "balanced_accuracy": _mean_of_defined(classes["recall"]),
        "macro_f1": _mean_of_defined(classes["f1"]),
        "micro_f1": accuracy,
    }


def _mean_of_defined(values: np.ndarray) -> np.ndarray:
    return ratio(np.nansum(values, axis=-1), (~np.isnan(values)).sum(-1))


def log_loss(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean negative natural logarithm (B,) of the true class's probability, from `probabilities` (n, K).

    Probabilities below 2.2e-16 count as that, so a classifier that is surely wrong pays 36 for it.
    """
    of_truth = probabilities[np.arange(len(labels)), labels]
    return ratio(weights @ -np.log(np.clip(of_truth, SMALLEST_PROBABILITY, 1.0)), weights.sum(1))


def ranking_metrics(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Area under the ROC curve and average precision (B,) of `scores` (n,) for telling `positive` (n,) from the rest.

    Sequences of equal score count as one step of the curve: a tie of a positive and a negative is worth one half in
    the area. Average precision is the sum of precision x gain in recall over the steps, not interpolated.
    """
    order, ends = _steps(scores)
    ordered = weights[:, order]
    hits = np.cumsum(ordered * positive[order], axis=1)[:, ends]
    called = np.cumsum(ordered, axis=1)[:, ends]
    new_hits = np.diff(hits, axis=1, prepend=0)
    new_errors = np.diff(called, axis=1, prepend=0) - new_hits
    positives, negatives = new_hits.sum(1), new_errors.sum(1)
    precision = hits / np.where(called > 0, called, 1)
    return {
        "auroc": ratio(((hits - new_hits / 2) * new_errors).sum(1), positives * negatives),
        "average_precision": ratio((precision * new_hits).sum(1), positives),
    }


def false_positive_rate(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray, recall: float) -> np.ndarray:
    """Share (B,) of the rest that a threshold on `scores` (n,) keeps, the largest that keeps `recall` of `positive`.

    Sequences of equal score are kept together. NaN where there is no positive one, or nothing else.
    """
    order, ends = _steps(scores)
    ordered = weights[:, order]
    hits = np.cumsum(ordered * positive[order], axis=1)[:, ends]
    errors = np.cumsum(ordered * ~positive[order], axis=1)[:, ends]
    # Whole sequences: the tolerance is for the rounding of recall times their number.
    reached = hits >= recall * hits[:, -1:] - 1e-9
    kept = ratio(np.take_along_axis(errors, reached.argmax(axis=1)[:, None], axis=1)[:, 0], errors[:, -1])
    return np.where(hits[:, -1] > 0, kept, np.nan)


def operating_points(scores: np.ndarray, positive: np.ndarray) -> pd.DataFrame:
    """Points of the ROC and the precision-recall curve: threshold, false_positive_rate, recall, precision.

    A sequence is called positive where its score reaches the threshold; thresholds fall. The first row calls nothing
    and has precision 1 by convention. Points inside a straight stretch of both curves are left out.
    """
    order, ends = _steps(scores)
    hits = np.concatenate([[0], np.cumsum(positive[order])[ends]])
    errors = np.concatenate([[0], ends + 1]) - hits
    only_errors = np.diff(hits) == 0
    no_errors = errors == 0
    straight = np.zeros(len(hits), dtype=bool)
    straight[1:-1] = (only_errors[:-1] & only_errors[1:]) | (no_errors[1:-1] & no_errors[2:])
    points = pd.DataFrame(
        {
            "threshold": np.concatenate([[np.inf], scores[order][ends]]),
            "false_positive_rate": ratio(errors, errors[-1]),
            "recall": ratio(hits, hits[-1]),
            "precision": hits / np.maximum(hits + errors, 1),
        }
    )
    points.loc[0, "precision"] = 1.0
    return points[~straight].reset_index(drop=True)


def _steps(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Order of falling scores, and the last position in it of each run of equal scores."""
    order = np.argsort(-scores, kind="stable")
    return order, np.flatnonzero(np.diff(scores[order], append=-np.inf))
