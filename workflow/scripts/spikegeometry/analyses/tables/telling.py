"""How well one class is told from the rest: the sequences that are taken, metrics with intervals, and tables."""

import logging
import os
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from spikegeometry.dataset.encoding import open_split, padded_ids, take_rows
from spikegeometry.dataset.kmers import token_residues
from spikegeometry.dataset.samples import split_sample
from spikegeometry.dataset.vocabulary import PAD, UNK
from spikegeometry.errors import InputError
from spikegeometry.evaluation.metrics import (
    class_metrics,
    confusion_matrices,
    matthews_correlation,
    ranking_metrics,
    ratio,
)
from spikegeometry.stats.intervals import bootstrap_weights, percentile_interval
from spikegeometry.stats.summaries import ALL_CLASSES
from spikegeometry.streams import Stream

COLUMNS = ["class", "ranking", "positions", "classifier", "statistic", "value", "n", "low", "high"]
# The scores of the slots: contrast of attention, and information about the class.
RANKINGS = ("attention", "information")

logger = logging.getLogger(__name__)


def distinct_sequences(
    split: str | os.PathLike, classes: Sequence[str], most: int, seed: int
) -> tuple[pd.DataFrame, np.ndarray]:
    """Up to `most` sequences of each class of an encoded split, a seeded sample of which no two of a class are equal.

    Returns accession, class, length (tokens) and input (equal for equal tokens), and their token ids (n, longest).
    """
    table = open_split(split)
    chosen = split_sample(table, classes, most, seed).sort_index()
    ids = padded_ids(take_rows(table, chosen.index.to_numpy()))
    lengths = (ids != PAD).sum(axis=1)
    return chosen.drop(columns="label").assign(length=lengths).reset_index(drop=True), ids


def kmer_tokens(ids: np.ndarray, lengths: np.ndarray, slots: int) -> np.ndarray:
    """Token ids (n, slots) of the first k-mers of padded sequences `ids`; [UNK] where a sequence has ended before."""
    missing = max(slots + 1 - ids.shape[1], 0)
    tokens = np.pad(ids, ((0, 0), (0, missing)))[:, 1 : slots + 1]
    return np.where(np.arange(1, slots + 1) < np.asarray(lengths)[:, None] - 1, tokens, UNK)


def tellable_classes(wanted: list[str], train: pd.Series, test: pd.Series) -> list[str]:
    """Those of the `wanted` classes that training and test sequences, of these classes, belong to, and others too.

    Warns of the others. Raises InputError where none is left.
    """
    found = [name for name in wanted if all((names == name).any() and (names != name).any() for names in (train, test))]
    for name in wanted:
        if name not in found:
            logger.warning("Class %s, or the rest, has no training or no test sequence: it will have no rows.", name)
    if not found:
        raise InputError(
            f"There is no class of {', '.join(wanted)} with sequences, and others beside it, to train and to test on.\n"
            "Choose other classes in analyses.one_vs_all.classes, or add genomes of two classes."
        )
    return found


def resample_weights(groups: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """Weights (1 + samples, n) of sequences: 1 for each, then those of bootstrap resamples of their groups (n,)."""
    return np.concatenate([np.ones((1, len(groups))), *bootstrap_weights(groups, samples, seed)])


def detection_metrics(positive: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Metrics (B,) of scores (n,), in [0, 1], for telling `positive` sequences (n,) from the rest, for weights (B, n).

    A score above one half calls a sequence positive: precision, recall, f1 and mcc go by that, average_precision (the
    area under the precision-recall curve) by the order of the scores.
    """
    confusion = confusion_matrices(positive.astype(int), (scores > 0.5).astype(int), 2, weights)
    called = class_metrics(confusion) | {"mcc": matthews_correlation(confusion)}
    metrics = {name: called[name][:, 1] for name in ("precision", "recall", "f1", "mcc")}
    return metrics | {"average_precision": ranking_metrics(scores, positive, weights)["average_precision"]}


def detection_table(
    measured: dict[tuple[str, str, int, str], list[dict[str, np.ndarray | float]]],
    counts: pd.Series,
    confidence: float,
    seed: int,
) -> pd.DataFrame:
    """A row for each class, ranking, number of positions, classifier and statistic, and for the mean over classes.

    `measured` has, for each of these places, the metrics (1 + samples,) of every draw of the positions (one where they
    are not drawn), of all sequences first and then of their resamples; a single number has no interval.
    `counts`: test sequences of each class. The value is the mean over draws, and in the resamples draws are resampled
    too. Undefined values, as the precision where nothing is called, stay out of means.
    """
    means = {place: _over_draws(draws, seed) for place, draws in measured.items()}
    places = list(dict.fromkeys(place[1:] for place in means))
    for place in places:
        several = [metrics for (_, *others), metrics in means.items() if tuple(others) == place]
        means[ALL_CLASSES, *place] = {name: _mean([metrics[name] for metrics in several]) for name in several[0]}
    numbers = counts.to_dict() | {ALL_CLASSES: counts.sum()}
    rows = [
        (*place, statistic, values[0], numbers[place[0]], *percentile_interval(values[1:], confidence))
        for place, metrics in means.items()
        for statistic, values in metrics.items()
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _over_draws(draws: Sequence[Mapping[str, np.ndarray | float]], seed: int) -> dict[str, np.ndarray]:
    means = {}
    for name in draws[0]:
        values = np.stack([np.atleast_1d(metrics[name]) for metrics in draws])
        shape = len(draws), values.shape[1] - 1
        drawn = np.random.default_rng([seed, Stream.POSITION_DRAWS]).integers(len(draws), size=shape)
        resampled = np.take_along_axis(values[:, 1:], drawn, axis=0)
        means[name] = np.concatenate([_mean(values[:, :1]), _mean(resampled)])
    return means


def _mean(values) -> np.ndarray:
    """Mean over the first axis of the values that are defined."""
    return ratio(np.nansum(values, axis=0), (~np.isnan(values)).sum(axis=0))


def chosen_positions(slots: pd.DataFrame, most: int, vocabulary: list[str]) -> pd.DataFrame:
    """The first `most` rows of each class by each score of the table `slots`, from `position_table`.

    Columns: class, ranking (the score), rank (from 1), and those of `slots`, with the k-mer of `vocabulary` for the
    token_id.
    """
    parts = []
    for name, rows in slots.groupby("class", sort=False):
        for score in RANKINGS:
            best = rows.sort_values(score, ascending=False, kind="stable").head(most)
            parts.append(best.assign(**{"class": name, "ranking": score, "rank": np.arange(1, len(best) + 1)}))
    chosen = pd.concat(parts, ignore_index=True)
    chosen["kmer"] = [vocabulary[number] for number in chosen["token_id"]]
    places = ["class", "ranking", "rank", "token", "first_residue", "last_residue"]
    return chosen[[*places, *RANKINGS, "kmer", "share_class", "share_rest"]]


def position_table(
    name: str, tokens: np.ndarray, positive: np.ndarray, scores: dict[str, np.ndarray], k: int, stride: int
) -> pd.DataFrame:
    """A row for each slot of the training sequences' tokens (n, slots), of which `positive` (n,) are of class `name`.

    Columns: class, token (1-based) with its first and last residue, each of the `scores` (slots,), token_id (that
    which most of the class have), and the shares of the class and of the rest that have it: share_class, share_rest.
    """
    commonest = np.array([np.bincount(column).argmax() for column in tokens[positive].T])
    number = np.arange(1, tokens.shape[1] + 1)
    first, last = token_residues(number, k, stride)
    places = {"class": name, "token": number, "first_residue": first, "last_residue": last}
    shares = {
        "share_class": (tokens[positive] == commonest).mean(axis=0),
        "share_rest": (tokens[~positive] == commonest).mean(axis=0),
    }
    return pd.DataFrame(places | scores | {"token_id": commonest} | shares)
