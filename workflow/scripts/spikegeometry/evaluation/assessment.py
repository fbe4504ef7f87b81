"""The tables of one model on one set: metrics with intervals, confusion, curves, calibration, and `other` genomes."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from spikegeometry.errors import InputError
from spikegeometry.evaluation.calibration import expected_calibration_error, reliability_table
from spikegeometry.evaluation.metrics import (
    class_metrics,
    confusion_matrices,
    log_loss,
    operating_points,
    overall_metrics,
    ranking_metrics,
)
from spikegeometry.stats.intervals import (
    bootstrap_weights,
    effective_size,
    percentile_interval,
    wilson_interval,
)


@dataclass(frozen=True)
class Predictions:
    """What a model says of n sequences: `labels` and `predicted` (n,) are indices of `classes` (K), a label of -1 is
    none of them; `probabilities` is (n, K), `haplotypes` (n,) says which sequences are identical."""

    classes: list[str]
    labels: np.ndarray
    predicted: np.ndarray
    probabilities: np.ndarray
    haplotypes: np.ndarray

    @property
    def confidence(self) -> np.ndarray:
        return self.probabilities.max(axis=1, initial=0.0)

    @property
    def correct(self) -> np.ndarray:
        return self.labels == self.predicted

    @property
    def of_known_class(self) -> "Predictions":
        """The sequences that belong to one of the classes, over which metrics are defined."""
        return self.where(self.labels >= 0)

    def where(self, rows: np.ndarray) -> "Predictions":
        """The sequences that `rows` (n,), true or false, picks."""
        arrays = (self.labels, self.predicted, self.probabilities, self.haplotypes)
        return Predictions(self.classes, *(array[rows] for array in arrays))


def read_predictions(path: str, sequences: pd.DataFrame, classes: list[str]) -> Predictions:
    """Read a table of predictions; `sequences` has accession and haplotype of the same sequences in the same order.

    Raises InputError where they are not the same.
    """
    shares = [f"p_{name}" for name in classes]
    table = pd.read_parquet(path, columns=["accession", "label", "predicted", *shares])
    if table["accession"].tolist() != sequences["accession"].tolist():
        raise InputError(f"{path} does not hold the sequences of the data set in their order: predict them again.")
    index = pd.Index(classes)
    return Predictions(
        classes=classes,
        labels=table["label"].to_numpy(np.int64),
        predicted=index.get_indexer(table["predicted"]),
        probabilities=table[shares].to_numpy(np.float64),
        haplotypes=sequences["haplotype"].to_numpy(),
    )


@dataclass(frozen=True)
class Measured:
    """Every metric of a model on the n sequences of a set that belong to a class, by its name and the index of its
    class (None over all classes): `values` of the set itself, and (B,) of its bootstrap resamples."""

    known: Predictions
    values: dict[tuple, float]
    resampled: dict[tuple, np.ndarray]


def measure(predictions: Predictions, n_bins: int, samples: int, seed: int) -> Measured:
    """Measure a model on a set, and on `samples` resamples of its haplotypes: none where there is one haplotype.

    The resamples of a set are the same ones for every model.
    """
    known = predictions.of_known_class
    values = _weighted_metrics(known, n_bins, np.ones((1, len(known.labels))))
    resampled = {key: np.empty(0) for key in values}
    if len(np.unique(known.haplotypes)) > 1:
        batches = [
            _weighted_metrics(known, n_bins, weights) for weights in bootstrap_weights(known.haplotypes, samples, seed)
        ]
        resampled = {key: np.concatenate([batch[key] for batch in batches]) for key in values}
    return Measured(known, {key: float(value[0]) for key, value in values.items()}, resampled)


def metric_table(measured: Measured, confidence: float) -> pd.DataFrame:
    """Metrics over all classes (`class` is empty) and of each class, over sequences that belong to a class.

    Columns: metric, class, value, low, high, n, interval. `n` counts sequences (of the class). Proportions of
    sequences have Wilson's interval, which is sound where all are right; the others the percentile interval of
    bootstrap resamples of haplotypes. Undefined values are missing.
    """
    known = measured.known
    n = len(known.labels)
    support = np.bincount(known.labels, minlength=len(known.classes))
    denominators = _proportions(known)
    rows = []
    for (metric, index), value in measured.values.items():
        if (metric, index) in denominators:
            counted = denominators[metric, index]
            interval = "wilson"
            low, high = wilson_interval(value, effective_size(known.haplotypes[counted]), confidence)
        else:
            interval = "bootstrap"
            low, high = percentile_interval(measured.resampled[metric, index], confidence)
        name, counts = ("", n) if index is None else (known.classes[index], support[index])
        rows.append((metric, name, value, low, high, counts, interval))
    rows += [("support", known.classes[k], m, np.nan, np.nan, m, "") for k, m in enumerate(support)]
    return pd.DataFrame(rows, columns=["metric", "class", "value", "low", "high", "n", "interval"])


def difference_table(bert: Measured, other: Measured, confidence: float) -> pd.DataFrame:
    """BERT's metrics less those of another model on the same set: metric, class, bert_less, bert_less_low and _high.

    Intervals are paired: percentiles of the differences on the same resamples. `class` is empty over all classes.
    """
    rows = []
    for (metric, index), value in bert.values.items():
        name = "" if index is None else bert.known.classes[index]
        difference = bert.resampled[metric, index] - other.resampled[metric, index]
        interval = percentile_interval(difference, confidence)
        rows.append((metric, name, value - other.values[metric, index], *interval))
    return pd.DataFrame(rows, columns=["metric", "class", "bert_less", "bert_less_low", "bert_less_high"])


def _weighted_metrics(known: Predictions, n_bins: int, weights: np.ndarray) -> dict[tuple, np.ndarray]:
    """Every metric (B,) by its name and the index of its class, None over all classes, for `weights` (B, n)."""
    confusion = confusion_matrices(known.labels, known.predicted, len(known.classes), weights)
    overall = overall_metrics(confusion) | {
        "log_loss": log_loss(known.labels, known.probabilities, weights),
        "ece": expected_calibration_error(known.confidence, known.correct, n_bins, weights),
    }
    metrics: dict[tuple, np.ndarray] = {(name, None): values for name, values in overall.items()}
    by_class = class_metrics(confusion)
    for k in range(len(known.classes)):
        ranking = ranking_metrics(known.probabilities[:, k], known.labels == k, weights)
        of_class = {name: values[:, k] for name, values in by_class.items()} | ranking
        metrics |= {(name, k): values for name, values in of_class.items()}
    return metrics


def _proportions(known: Predictions) -> dict[tuple, np.ndarray]:
    """The metrics that are a share of right sequences, and which sequences (n,) each is a share of."""
    everything = np.ones(len(known.labels), dtype=bool)
    shares: dict[tuple, np.ndarray] = {("accuracy", None): everything, ("micro_f1", None): everything}
    for k in range(len(known.classes)):
        shares["recall", k] = known.labels == k
        shares["specificity", k] = known.labels != k
        shares["precision", k] = known.predicted == k
    return shares


def confusion_table(predictions: Predictions) -> pd.DataFrame:
    """Counts of each pair of classes: true, predicted, count and share (of the true class's sequences)."""
    known = predictions.of_known_class
    once = np.ones((1, len(known.labels)))
    confusion = confusion_matrices(known.labels, known.predicted, len(known.classes), once)
    names = pd.MultiIndex.from_product([known.classes, known.classes], names=["true", "predicted"])
    table = pd.DataFrame({"count": confusion.ravel().astype(int)}, index=names).reset_index()
    table["share"] = table["count"] / table.groupby("true")["count"].transform("sum")
    return table


def curve_table(predictions: Predictions) -> pd.DataFrame:
    """ROC and precision-recall points of each class against all others; a class without a sequence has none.

    Columns: class, threshold, false_positive_rate, recall, precision.
    """
    known = predictions.of_known_class
    columns = ["class", "threshold", "false_positive_rate", "recall", "precision"]
    curves = [pd.DataFrame(columns=columns)]
    for k, name in enumerate(known.classes):
        if (known.labels == k).any():
            points = operating_points(known.probabilities[:, k], known.labels == k)
            points.insert(0, "class", name)
            curves.append(points)
    return pd.concat(curves[1:] or curves, ignore_index=True)


def calibration_table(predictions: Predictions, n_bins: int) -> pd.DataFrame:
    """The reliability table of the sequences that belong to a class."""
    known = predictions.of_known_class
    return reliability_table(known.confidence, known.correct, n_bins)


def other_table(predictions: Predictions) -> pd.DataFrame:
    """What genomes of none of the classes are called: predicted, count, n (all such genomes), mean_confidence."""
    others = predictions.where(predictions.labels < 0)
    confidence = pd.Series(others.confidence).groupby(others.predicted)
    counts = confidence.size()
    return pd.DataFrame(
        {
            "predicted": [others.classes[index] for index in counts.index],
            "count": counts.to_numpy(),
            "n": len(others.labels),
            "mean_confidence": confidence.mean().to_numpy(),
        }
    )


def nested_metrics(metrics: pd.DataFrame) -> dict:
    """Metrics of all sets as {set: {model: {"overall": {metric: {value, low, high, n}}, "classes": {class: ...}}}}.

    `metrics`: metric tables with the columns set and model. Missing numbers are None.
    """
    nested: dict[str, dict] = {}
    for row in metrics.to_dict("records"):
        model = nested.setdefault(row["set"], {}).setdefault(row["model"], {"overall": {}, "classes": {}})
        place = model["classes"].setdefault(row["class"], {}) if row["class"] else model["overall"]
        place[row["metric"]] = {key: None if pd.isna(row[key]) else row[key] for key in ("value", "low", "high", "n")}
    return nested
