"""Scores of the probes of every block, with their intervals, and whether they rise along the blocks."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from spikegeometry.evaluation.metrics import confusion_matrices, log_loss, overall_metrics
from spikegeometry.stats.findings import Finding
from spikegeometry.stats.intervals import effective_size, wilson_interval
from spikegeometry.stats.resampling import estimates, slope

COLUMNS = ["set", "representation", "readout", "block", "statistic", "value", "n", "low", "high"]
SOURCE = "Tzach et al. 2025, arXiv 2509.03407"
READ = {
    ("cls", "head"): "[CLS], classifier's head",
    ("cls", "linear"): "[CLS], linear",
    ("kmers", "linear"): "mean k-mer, linear",
}


def probe_scores(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Accuracy, macro F1 and mean log-probability of the true class (B,), from probabilities (n, K), weights (B, n)."""
    called = probabilities.argmax(axis=1)
    overall = overall_metrics(confusion_matrices(labels, called, probabilities.shape[1], weights))
    return {name: overall[name] for name in ("accuracy", "macro_f1")} | {
        "log_prob": -log_loss(labels, probabilities, weights)
    }


def probe_table(
    rows: pd.DataFrame,
    readouts: Mapping[tuple[str, str, int | None], np.ndarray],
    samples: int,
    confidence: float,
    seed: int,
) -> pd.DataFrame:
    """Scores of `readouts`: the probabilities (n, K) by representation, readout and block (none for whole models).

    `rows` are the n sequences: label, and input, which is the same for equal ones. Intervals are over the distinct
    ones, Wilson's for accuracy, else the bootstrap's.
    `<score>_trend` is the slope of a score over the blocks from 1 on, since [CLS] is still the same in all sequences
    before: the change of the score from block to block. Columns: COLUMNS without set.
    """

    def statistics(weights: np.ndarray) -> dict[tuple, np.ndarray]:
        scores = {place: probe_scores(labels, shares, weights) for place, shares in readouts.items()}
        found: dict[tuple, np.ndarray] = {
            (*place, name): values for place, of in scores.items() for name, values in of.items()
        }
        for kind in dict.fromkeys(place[:2] for place in readouts if place[2] is not None):
            blocks = [place for place in readouts if place[:2] == kind and place[2]]
            numbers = np.array([place[2] for place in blocks])
            for name in ("accuracy", "macro_f1", "log_prob"):
                along = np.stack([scores[place][name] for place in blocks])
                found[*kind, None, f"{name}_trend"] = slope(numbers, along)
        return found

    labels, groups = rows["label"].to_numpy(int), rows["input"].to_numpy()
    n, worth = len(np.unique(groups)), effective_size(groups)
    found = []
    for place, (value, low, high) in estimates(statistics, groups, samples, confidence, seed).items():
        if place[-1] == "accuracy":
            low, high = wilson_interval(value, worth, confidence)
        found.append((*place, value, n, low, high))
    return pd.DataFrame(found, columns=COLUMNS[1:])


def findings(table: pd.DataFrame) -> list[Finding]:
    """Whether accuracy on the test split rises along the blocks, for each readout."""
    trends = table[(table["set"] == "test") & (table["statistic"] == "accuracy_trend")]
    claim = "The accuracy of classification rises along the blocks."
    return [
        Finding(
            *(SOURCE, claim, f"rise of accuracy a block ({what})"),
            *(row["value"], row["low"], row["high"], row["n"]),
            "above",
            0.0,
        )
        for (representation, readout), what in READ.items()
        for _, row in trends[
            (trends[["representation", "readout"]] == [representation, readout]).all(axis=1)
        ].iterrows()
    ]
