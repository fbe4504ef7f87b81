"""What a classifier loses when parts of it are switched off, on the same sequences: changes, intervals and tests."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import special, stats

from spikegeometry.dataset.encoding import number_rows
from spikegeometry.dataset.samples import distinct_sample
from spikegeometry.errors import InputError
from spikegeometry.evaluation.metrics import confusion_matrices, overall_metrics
from spikegeometry.stats.findings import Finding
from spikegeometry.stats.intervals import bootstrap_weights, percentile_interval, wilson_interval
from spikegeometry.stats.paired import mcnemar
from spikegeometry.stats.summaries import ALL_CLASSES
from spikegeometry.streams import Stream

# Changes with a corrected p under this count as real.
SIGNIFICANT = 0.05
# The most that a head may cost of a measure's share and still be one that can be removed: a twentieth of the sequences,
# or of the true class's probability.
TOLERATED = {"accuracy": 0.05, "log_probability": -np.log(1 - 0.05)}
# What changes are measured of, and in words.
MEASURES = {"accuracy": "accuracy", "log_probability": "mean log-probability of the true class"}
PLACES = ["variant", "site", "layer", "head"]
STATISTICS = ["statistic", "value", "n", "low", "high"]


@dataclass(frozen=True)
class Intervals:
    """How intervals and tests are made: bootstrap resamples, confidence, random signs, and the seed of both."""

    samples: int
    confidence: float
    permutations: int
    seed: int

    def weights(self, n: int) -> np.ndarray:
        """Weights (samples, n) of bootstrap resamples of n sequences."""
        return np.concatenate(list(bootstrap_weights(np.arange(n), self.samples, self.seed)))

    def percentiles(self, resampled: np.ndarray, n: int) -> tuple[float, float]:
        """Interval of a statistic's values over resamples of n sequences; missing for one sequence."""
        return percentile_interval(resampled, self.confidence) if n > 1 else (np.nan, np.nan)


@dataclass(frozen=True)
class Outcomes:
    """What V variants of a classifier make of n sequences: `labels` (n,) and `predicted` (V, n) are numbers of K
    classes, `log_probability` (V, n) is the natural logarithm of the true class's probability."""

    labels: np.ndarray
    predicted: np.ndarray
    log_probability: np.ndarray
    classes: Sequence[str]

    @property
    def correct(self) -> np.ndarray:
        return self.predicted == self.labels

    def of(self, variants: slice | list[int], rows: slice | np.ndarray = slice(None)) -> "Outcomes":
        """Some variants on some sequences."""
        predicted, log_probability = self.predicted[variants][:, rows], self.log_probability[variants][:, rows]
        return Outcomes(self.labels[rows], predicted, log_probability, self.classes)


def outcomes(logits: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> Outcomes:
    """Outcomes of the logits (V, n, K) of V variants. Raises InputError where a logit is not finite."""
    if not np.isfinite(logits).all():
        raise InputError(
            "The classifier gives a value that is not finite.\n"
            "Train it again, with a lower learning rate or in fp32 (model.precision)."
        )
    shares = special.log_softmax(logits.astype(np.float64), axis=-1)
    return Outcomes(labels, logits.argmax(axis=-1), shares[:, np.arange(len(labels)), labels], classes)


def single_places(modes: Sequence[str], layers: list[int], heads: list[int]) -> pd.DataFrame:
    """A row of PLACES for each mode and head, then for each layer's whole attention, which has no head."""
    rows: list[tuple[str, str, int, float]] = [
        (mode, "head", layer, head) for mode in modes for layer in layers for head in heads
    ]
    rows += [(mode, "layer", layer, np.nan) for mode in modes for layer in layers]
    return pd.DataFrame(rows, columns=PLACES)


def sample_split(table: pa.Table, classes: list[str], most: int, seed: int) -> pd.DataFrame:
    """At most `most` sequences of each class, of the rows of a split, which the index numbers.

    Columns: accession, class, label, input (equal for equal tokens), counts: false for copies of others of the class.
    There are copies only of classes that are taken whole. Where that is all of the split, its batches are those of its
    predictions, which may depend on them in their last bits.
    """
    sequences = table.select(["accession", "class", "label"]).to_pandas().assign(input=number_rows(table))
    distinct = distinct_sample(sequences, classes, most, seed).index
    whole = sequences.groupby("class")["input"].transform("size") <= most
    sequences["counts"] = sequences.index.isin(distinct)
    return sequences[sequences["counts"] | (whole & sequences["class"].isin(classes))]


def paired_interval(lost: float, won: float, n: float, confidence: float) -> tuple[float, float]:
    """Interval of the change (won - lost) / n of a share on the same n sequences; not of width 0 where none changed.

    Wald's with half a sequence added to each cell (Agresti and Min 2005, Stat Med 24:729).
    """
    lost, won, n = lost + 0.5, won + 0.5, n + 2
    change = (won - lost) / n
    half = stats.norm.ppf((1 + confidence) / 2) * np.sqrt(lost + won - n * change**2) / n
    return max(change - half, -1.0), min(change + half, 1.0)


def sign_flip_test(changes: np.ndarray, permutations: int, seed: int) -> np.ndarray:
    """Two-sided p (V,) of the means of changes (V, n) that are as likely up as down: 1 where nothing changes.

    It is the share of random signs of the sequences, the true ones included, with as large a mean; the same signs are
    taken for all V.
    """
    generator = np.random.default_rng([seed, Stream.ABLATION_SIGNS])
    signs = generator.choice([-1.0, 1.0], size=(permutations, changes.shape[1]))
    observed = np.abs(changes.sum(axis=1))
    as_large = np.abs(signs @ changes.T) >= observed * (1 - 1e-9)
    return (1 + as_large.sum(axis=0)) / (permutations + 1)


def sequence_table(places: pd.DataFrame, sequences: pd.DataFrame, found: Outcomes) -> pd.DataFrame:
    """What each variant of `found`, at `places`, makes of each sequence: a row for each pair.

    `sequences` has class, accession and input of each sequence. Columns: PLACES, class, sequence, input, predicted,
    correct, log_probability.
    """
    variants, n = found.predicted.shape
    each = sequences[["class", "accession", "input"]].rename(columns={"accession": "sequence"})
    measured = {
        "predicted": np.array(found.classes, dtype=object)[found.predicted.ravel()],
        "correct": found.correct.ravel(),
        "log_probability": found.log_probability.ravel(),
    }
    of_places = places[PLACES].loc[places.index.repeat(n)].reset_index(drop=True)
    return pd.concat([of_places, pd.concat([each] * variants, ignore_index=True)], axis=1).assign(**measured)


def change_table(places: pd.DataFrame, before: Outcomes, after: Outcomes, how: Intervals) -> pd.DataFrame:
    """What changed from `before`, one variant, to each of `after`, whose `places` (PLACES) are rows in their order.

    Columns: class, PLACES, STATISTICS. Of all classes: accuracy (Wilson's interval), macro_f1, log_probability, and
    their changes d_accuracy, d_macro_f1 and d_log_probability; lost and won, the sequences no longer and newly right;
    p_accuracy (`mcnemar`) and p_log_probability (`sign_flip_test`), and q of each after Benjamini and Hochberg over the
    places of one variant and site. The variant `none` has the scores of `before`. Of each class: d_accuracy and
    d_log_probability. The interval of d_accuracy is `paired_interval`, others are percentiles over resampled
    sequences; missing for one sequence.
    """
    overall = pd.concat([part(places, before, after, how) for part in (paired_changes, change_tests)])
    unchanged = pd.DataFrame([("none", "model", np.nan, np.nan)], columns=PLACES)
    tables = [scores(unchanged, before, before, how), scores(places, before, after, how), overall, _corrected(overall)]
    tables = [table.assign(**{"class": ALL_CLASSES}) for table in tables]
    for number, name in enumerate(before.classes):
        rows = np.flatnonzero(before.labels == number)
        if len(rows):
            of_class = paired_changes(places, before.of([0], rows), after.of(slice(None), rows), how)
            tables.append(of_class.assign(**{"class": name}))
    return pd.concat(tables, ignore_index=True)[["class", *PLACES, *STATISTICS]]


def paired_changes(places: pd.DataFrame, before: Outcomes, after: Outcomes, how: Intervals) -> pd.DataFrame:
    """Rows of the changes of accuracy and of the log-probability."""
    n = len(before.labels)
    d_log = after.log_probability - before.log_probability
    resampled = how.weights(n) @ d_log.T / n
    rows = []
    for place, lost, won, change, drawn in zip(
        places.to_dict("records"), *_moved(before, after), d_log.mean(axis=1), resampled.T, strict=True
    ):
        bounds = paired_interval(lost, won, n, how.confidence) if n > 1 else (np.nan, np.nan)
        rows.append((place, "d_accuracy", (won - lost) / n, *bounds))
        rows.append((place, "d_log_probability", change, *how.percentiles(drawn, n)))
    return long_rows(rows, n)


def change_tests(places: pd.DataFrame, before: Outcomes, after: Outcomes, how: Intervals) -> pd.DataFrame:
    """Rows of the sequences lost and won, and of the p of the changes."""
    p_log = sign_flip_test(after.log_probability - before.log_probability, how.permutations, how.seed)
    rows = []
    for place, lost, won, p in zip(places.to_dict("records"), *_moved(before, after), p_log, strict=True):
        found = {"lost": lost, "won": won, "p_accuracy": mcnemar(lost, won), "p_log_probability": p}
        rows += [(place, name, value, np.nan, np.nan) for name, value in found.items()]
    return long_rows(rows, len(before.labels))


def scores(places: pd.DataFrame, before: Outcomes, after: Outcomes, how: Intervals) -> pd.DataFrame:
    """Rows of accuracy, macro F1 with its change, and the log-probability."""
    n = len(before.labels)
    weights = np.concatenate([np.ones((1, n)), how.weights(n)])
    f1_before = _macro_f1(before.of([0]), weights)
    rows = []
    for number, place in enumerate(places.to_dict("records")):
        one = after.of([number])
        accuracy, f1 = one.correct.mean(), _macro_f1(one, weights)
        rows.append((place, "accuracy", accuracy, *wilson_interval(accuracy, n, how.confidence)))
        resampled = {
            "macro_f1": f1,
            "d_macro_f1": f1 - f1_before,
            "log_probability": weights @ one.log_probability[0] / weights.sum(axis=1),
        }
        rows += [(place, name, each[0], *how.percentiles(each[1:], n)) for name, each in resampled.items()]
    return long_rows(rows, n)


def _moved(before: Outcomes, after: Outcomes) -> tuple[np.ndarray, np.ndarray]:
    """Sequences lost and won, each (V,)."""
    return (before.correct & ~after.correct).sum(axis=1), (~before.correct & after.correct).sum(axis=1)


def _macro_f1(one: Outcomes, weights: np.ndarray) -> np.ndarray:
    return overall_metrics(confusion_matrices(one.labels, one.predicted[0], len(one.classes), weights))["macro_f1"]


def long_rows(rows: list[tuple[dict, str, float, float, float]], n: int) -> pd.DataFrame:
    """A table from rows of a place, a statistic, its value and interval, of `n` sequences."""
    columns = ["statistic", "value", "low", "high"]
    return pd.DataFrame([place | dict(zip(columns, row, strict=True)) for place, *row in rows]).assign(n=n)


def _corrected(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of q for those of p."""
    tests = table[table["statistic"].str.startswith("p_")]
    groups = tests.groupby(["statistic", "variant", "site"])["value"]
    q = groups.transform(lambda p: stats.false_discovery_control(p, method="bh"))
    return tests.assign(value=q, statistic=tests["statistic"].str.replace("p_", "q_", n=1))


def ablation_findings(
    table: pd.DataFrame, places: pd.DataFrame, validation: Outcomes, confidence: float
) -> list[Finding]:
    """What Kovaleva et al. and Michel et al. found, compared with the changes on the test split (`change_table`).

    The place that helps is chosen by the outcomes of all `places` on the validation split: that of the highest
    accuracy, and among equals of the highest log-probability.
    """
    overall = table[table["class"] == ALL_CLASSES]
    hits, log_probability = validation.correct.sum(axis=1), validation.log_probability.mean(axis=1)
    best = places.iloc[[np.lexsort([log_probability, hits])[-1]]]
    found = [_improvement(overall.merge(best, on=PLACES), name) for name in MEASURES]
    heads = overall[(overall["site"] == "head") & (overall["variant"] == places["variant"].iloc[0])]
    return found + [dispensable_heads(heads, name, confidence) for name in MEASURES]


def _improvement(rows: pd.DataFrame, measure: str) -> Finding:
    row = rows[rows["statistic"] == f"d_{measure}"].iloc[0]
    what = f"layer {row['layer']:.0f}" + ("" if np.isnan(row["head"]) else f", head {row['head']:.0f}")
    return Finding(
        source="Kovaleva et al. 2019, arXiv 1908.08593",
        claim="Disabling some heads improves the classifier.",
        statistic=f"change of {MEASURES[measure]} on test without what was best to go without on validation",
        value=row["value"],
        low=row["low"],
        high=row["high"],
        n=int(row["n"]),
        side="above",
        bound=0.0,
        detail=f"{what} ({row['variant']})",
    )


def dispensable_heads(heads: pd.DataFrame, measure: str, confidence: float) -> Finding:
    """That no loss was shown does not show that there is none, so that intervals of the losses decide: the share is at
    least that of heads that surely cost less than is tolerated, and at most that of those not known to cost more."""
    rows, least = heads[heads["statistic"] == f"d_{measure}"], -TOLERATED[measure]
    value, sure, possible = (
        (rows["value"] > least).mean(),
        (rows["low"] > least).mean(),
        (~(rows["high"] < least)).mean(),
    )
    return Finding(
        source="Michel et al. 2019, arXiv 1905.10650",
        claim="Most heads can be removed one at a time without a real loss.",
        statistic=f"share of heads without which the {MEASURES[measure]} on test falls by less than {-least:.3g} "
        f"({heads['variant'].iloc[0]})",
        value=float(value),
        low=wilson_interval(sure, len(rows), confidence)[0],
        high=wilson_interval(possible, len(rows), confidence)[1],
        n=len(rows),
        side="above",
        bound=0.5,
    )
