"""How well scores tell genomes of the known classes from `other` ones, and what abstaining is worth."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import softmax

from spikegeometry.dataset.encoding import open_split
from spikegeometry.evaluation.abstention import DISTANCES, SCORES, Abstention, Outputs, fit_abstention
from spikegeometry.evaluation.calibration import expected_calibration_error, reliability_table
from spikegeometry.evaluation.metrics import (
    false_positive_rate,
    log_loss,
    operating_points,
    ranking_metrics,
    ratio,
)
from spikegeometry.stats.intervals import effective_size, wilson_interval
from spikegeometry.stats.resampling import estimates

# Share of the known genomes that the false positive rate is given at.
RECALL = 0.95
# Most points of a curve that has one for each genome.
POINTS = 2000


@dataclass(frozen=True)
class Genomes:
    """Genomes of one set: `table` has a row for each, with accession, class, label (-1: none of the classes), correct
    and haplotype; `outputs` are what the network says of them."""

    table: pd.DataFrame
    outputs: Outputs

    def __len__(self) -> int:
        return len(self.table)

    def where(self, rows: np.ndarray) -> "Genomes":
        """The genomes that `rows` (n,), true or false, picks."""
        return Genomes(self.table[rows], self.outputs.where(rows))

    @property
    def known(self) -> "Genomes":
        return self.where((self.table["label"] >= 0).to_numpy())

    @property
    def other(self) -> "Genomes":
        return self.where((self.table["label"] < 0).to_numpy())

    @property
    def distinct(self) -> "Genomes":
        """The first genome of each haplotype."""
        return self.where(~self.table["haplotype"].duplicated().to_numpy())

    @property
    def correct(self) -> np.ndarray:
        return self.table["correct"].to_numpy(bool)

    @property
    def haplotypes(self) -> np.ndarray:
        return self.table["haplotype"].to_numpy()


def read_genomes(path: str, haplotypes: pd.Series, classes: list[str]) -> Genomes:
    """Genomes of a table of predictions; `haplotypes` are of the same sequences in the same order."""
    predictions = pd.read_parquet(path)
    table = predictions[["accession", "class", "label", "correct"]].assign(haplotype=haplotypes.to_numpy())
    return Genomes(table, Outputs.of_table(predictions, classes))


def read_validation(predictions: list[str], splits: list[str], classes: list[str]) -> Genomes:
    """Genomes of the validation split and of the background's, from their tables of predictions and encoded splits."""
    parts = [
        read_genomes(path, open_split(split).column("haplotype").to_pandas(), classes)
        for path, split in zip(predictions, splits, strict=True)
    ]
    tables = pd.concat([part.table for part in parts], ignore_index=True)
    return Genomes(tables, Outputs.joined([part.outputs for part in parts]))


def fit_rule(
    validation: Genomes, classes: list[str], score: str, keep: float, temperature: float | None = None
) -> Abstention:
    """The rule that fits the distinct sequences of the validation split, those of the classes and the others: copies
    say nothing new."""
    known, background = validation.known.distinct, validation.other.distinct
    labels = known.table["label"].to_numpy()
    return fit_abstention(classes, known.outputs, labels, background.outputs, score, keep, temperature)


def variants(rule: Abstention, validation: Genomes) -> list[Abstention]:
    """Every score with thresholds of its own; those of logits with and without the rule's temperature."""
    return [
        fit_rule(validation, rule.classes, score, rule.keep, temperature)
        for score in SCORES
        for temperature in ((1.0,) if score in DISTANCES else (1.0, rule.temperature))
    ]


@dataclass(frozen=True)
class Assessor:
    """Metrics with intervals over distinct sequences: the percentile interval of `samples` bootstrap resamples of
    haplotypes, and Wilson's for shares of genomes. `bins` are those of the calibration error."""

    samples: int
    confidence: float
    seed: int
    bins: int

    def detection(self, known: Genomes, other: Genomes, rule: Abstention) -> Iterator[dict]:
        """`auroc` of known against other genomes, and `fpr95`, the share of other genomes that a threshold keeps
        which keeps 95% of the known ones. Nothing where one of them has no genome."""
        if not len(known) or not len(other):
            return
        scores = rule.margins(Outputs.joined([known.outputs, other.outputs]))
        is_known = np.arange(len(scores)) < len(known)

        def measure(weights: np.ndarray) -> dict[str, np.ndarray]:
            return {
                "auroc": ranking_metrics(scores, is_known, weights)["auroc"],
                "fpr95": false_positive_rate(scores, is_known, weights, RECALL),
            }

        for row in self._bootstrapped(measure, np.concatenate([known.haplotypes, other.haplotypes])):
            yield row | {"n": len(known), "n_other": len(other)}

    def keeping(self, known: Genomes, other: Genomes, rule: Abstention) -> Iterator[dict]:
        """What the rule keeps: `coverage`, `accuracy` and `accuracy_kept` of known genomes, `coverage_other` of
        others. Nothing for those of which there is no genome."""
        kept, kept_other = ~rule.abstains(known.outputs), ~rule.abstains(other.outputs)
        for metric, chosen, haplotypes in (
            ("coverage", kept, known.haplotypes),
            ("accuracy", known.correct, known.haplotypes),
            ("accuracy_kept", known.correct[kept], known.haplotypes[kept]),
            ("coverage_other", kept_other, other.haplotypes),
        ):
            if len(chosen):
                value = float(chosen.mean())
                low, high = wilson_interval(value, effective_size(haplotypes), self.confidence)
                counts = {"n_other": len(chosen)} if metric == "coverage_other" else {"n": len(chosen)}
                yield {"metric": metric, "value": value, "low": low, "high": high} | counts

    def calibration(self, known: Genomes, temperature: float) -> Iterator[dict]:
        """Calibration error (`ece`) and `log_loss` (nats) of known genomes; nothing where there is none."""
        if not len(known):
            return
        probabilities = softmax(known.outputs.logits / temperature, axis=1)
        labels = known.table["label"].to_numpy()

        def measure(weights: np.ndarray) -> dict[str, np.ndarray]:
            return {
                "ece": expected_calibration_error(probabilities.max(axis=1), known.correct, self.bins, weights),
                "log_loss": log_loss(labels, probabilities, weights),
            }

        for row in self._bootstrapped(measure, known.haplotypes):
            yield row | {"n": len(known)}

    def _bootstrapped(self, measure: Callable, haplotypes: np.ndarray) -> Iterator[dict]:
        found = estimates(measure, haplotypes, self.samples, self.confidence, self.seed)
        for metric, (value, low, high) in found.items():
            yield {"metric": metric, "value": value, "low": low, "high": high}


def _same(rule: Abstention, used: Abstention) -> bool:
    """Whether both are by one score; a distance has no temperature."""
    return rule.score == used.score and (rule.score in DISTANCES or rule.temperature == used.temperature)


def metric_table(
    sets: dict[str, Genomes], other: Genomes, rules: list[Abstention], used: Abstention, assessor: Assessor
) -> pd.DataFrame:
    """Metrics of each rule on the first of `sets`, and of its `other` genomes against the known ones of each set.

    Columns: known (the set of the known genomes), score, temperature, used (yes where it is the rule `used`), metric,
    value, low, high, n (known genomes) and n_other.
    """
    first = next(iter(sets))
    rows = []
    for rule in rules:
        labels = {"score": rule.score, "temperature": rule.temperature, "used": "yes" if _same(rule, used) else "no"}
        of_set = [*assessor.keeping(sets[first].known, other, rule)]
        if rule.score == "max_softmax":
            of_set += assessor.calibration(sets[first].known, rule.temperature)
        rows += [{"known": first} | labels | row for row in of_set]
        for name, genomes in sets.items():
            rows += [{"known": name} | labels | row for row in assessor.detection(genomes.known, other, rule)]
    columns = ["known", "score", "temperature", "used", "metric", "value", "low", "high", "n", "n_other"]
    table = pd.DataFrame(rows).reindex(columns=columns)
    return table.astype({"n": "Int64", "n_other": "Int64"})


def curve_table(genomes: Genomes, rules: list[Abstention], bins: int) -> pd.DataFrame:
    """Curves of each rule over one set, by the margin over the threshold: curve, score, temperature, x, y and n.

    roc          x: share of other genomes kept, y: share of known ones kept; only where there are both
    risk         x: share of all genomes kept, y: share of wrong ones among these; to keep an other genome is wrong
    reliability  x: mean confidence, y: share of right ones of a bin of known genomes; of max_softmax alone
    """
    tables = []
    for rule in rules:
        curves = {"risk": risk_curve(rule.margins(genomes.outputs), genomes.correct)}
        if len(genomes.known) and len(genomes.other):
            curves["roc"] = roc_curve(rule.margins(genomes.known.outputs), rule.margins(genomes.other.outputs))
        if rule.score == "max_softmax":
            confidence = rule.scores(genomes.known.outputs)
            binned = reliability_table(confidence, genomes.known.correct, bins)
            curves["reliability"] = binned.rename(columns={"confidence": "x", "accuracy": "y"}).query("n > 0")
        labels = {"score": rule.score, "temperature": rule.temperature}
        tables += [curve.assign(curve=name, **labels) for name, curve in curves.items()]
    return pd.concat(tables, ignore_index=True)[["curve", "score", "temperature", "x", "y", "n"]]


def roc_curve(known: np.ndarray, other: np.ndarray) -> pd.DataFrame:
    """ROC of the scores of known (n,) and other genomes (m,): x, y, and n, the genomes behind it."""
    scores = np.concatenate([known, other])
    points = operating_points(scores, np.arange(len(scores)) < len(known))
    points = points.rename(columns={"false_positive_rate": "x", "recall": "y"})
    return points[["x", "y"]].assign(n=len(scores))


def risk_curve(scores: np.ndarray, correct: np.ndarray) -> pd.DataFrame:
    """Share kept (x) and share of wrong ones among these (y) as the threshold falls; n, the genomes kept.

    Genomes of equal score are kept together. Of many points every so manieth is given, and the last.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.diff(scores[order], append=-np.inf))
    ends = ends[np.unique(np.linspace(0, len(ends) - 1, min(len(ends), POINTS)).round().astype(int))]
    wrong = np.cumsum(~correct[order])[ends]
    return pd.DataFrame({"x": ratio(ends + 1, len(scores)), "y": wrong / (ends + 1), "n": ends + 1})


def score_tables(genomes: Genomes, rules: list[Abstention]) -> Iterator[pd.DataFrame]:
    """Each rule's score of each genome: accession, class, group, score, temperature, value, margin.

    `margin` is the value less the threshold of the class that the genome would be called; under 0 the rule abstains.
    `group` is right or wrong for a genome of the classes, other for one of none.
    """
    group = np.where(genomes.table["label"] < 0, "other", np.where(genomes.correct, "right", "wrong"))
    for rule in rules:
        yield genomes.table[["accession", "class"]].assign(
            group=group,
            score=rule.score,
            temperature=rule.temperature,
            value=rule.scores(genomes.outputs),
            margin=rule.margins(genomes.outputs),
        )
