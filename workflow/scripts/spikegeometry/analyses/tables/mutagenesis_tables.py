"""Tables of substitutions made in silico: which of them the model picks out, beside chance and measured values."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from spikegeometry.geometry import in_silico_mutagenesis as geometry
from spikegeometry.sequences.substitutions import AMINO_ACIDS
from spikegeometry.stats.findings import Finding, mean_finding
from spikegeometry.stats.intervals import bootstrap_weights, percentile_interval
from spikegeometry.stats.summaries import ALL_CLASSES

REFERENCE = "reference"
# How substitutions are ranked: by the rise of a class's log-probability, by its fall (residues, by the mean over their
# amino acids), or by the masked model.
RISE, FALL, MASKED = "rise", "fall", "masked"
# The largest rise of any class.
LARGEST = "largest"
# Among which: all, or those of whose k-mers the vocabulary has every one; residues as a whole.
ALL, READABLE, RESIDUES = "all", "readable", "residues"
# As many as there are wanted ones.
WANTED = "R"
PRECISION = ["sequence", "class", "ranked_by", "among", "k"]
CHANCE = ["chance", "chance_low", "chance_high", "p"]
CORRELATIONS = ["score", "value", "low", "high", "null_low", "null_high", "p", "substitutions", "n"]
QUESTION = "this workflow's question"
MEIER = "Meier et al. 2021, NeurIPS 34"
SIGNED = (-1.0, 1.0)


def change_of(name: str) -> str:
    """The column of the change of a class's log-probability."""
    return f"change_{name}"


def defines(scores: pd.DataFrame, name: str) -> np.ndarray:
    """Whether each substitution defines a class, or any for ALL_CLASSES."""
    if name == ALL_CLASSES:
        return (scores["defines"] != "").to_numpy()
    return scores["defines"].str.split(";").map(lambda names: name in names).to_numpy(bool)


def precision_table(
    scores: pd.DataFrame, classes: Sequence[str], cutoffs: Sequence[int], confidence: float
) -> pd.DataFrame:
    """Precision at k of the substitutions, or residues, that the model picks out, beside that of random ones.

    `scores`: of `analyses.in_silico_mutagenesis`. Columns: PRECISION; value, n (substitutions, or residues, that are
    ranked), wanted (of them), and CHANCE: mean and interval of precision of as many random ones, and the probability
    that these are as precise. Classes without a defining substitution among them have no row.
    """
    other = scores[scores["amino_acid"] != scores["own"]]
    rows = []

    def ranked(labels: tuple, values: np.ndarray, wanted: np.ndarray) -> None:
        numbers = {str(k): k for k in cutoffs} | {WANTED: int(wanted.sum())}
        for k, number in numbers.items() if wanted.any() else ():
            value = geometry.precision_at(values, wanted, number)
            chance = geometry.chance_precision(len(values), int(wanted.sum()), number, value, confidence)
            rows.append((*labels, k, value, len(values), int(wanted.sum()), *chance))

    reference = other[other["sequence"] == REFERENCE]
    readable = reference[reference["unknown"] == 0]
    for name in classes:
        for among, several in ((ALL, reference), (READABLE, readable)):
            values = several[change_of(name)].to_numpy(float)
            ranked((REFERENCE, name, RISE, among), values, defines(several, name))
    known = reference[reference["masked"].notna()]
    ranked((REFERENCE, ALL_CLASSES, MASKED, READABLE), known["masked"].to_numpy(float), defines(known, ALL_CLASSES))
    definers = {name: set(reference.loc[defines(reference, name), "residue"]) for name in classes}
    for name in classes:
        fall = -other[other["sequence"] == name].groupby("residue")[change_of(name)].mean()
        ranked((name, name, FALL, RESIDUES), fall.to_numpy(float), fall.index.isin(list(definers[name])))
    return pd.DataFrame(rows, columns=[*PRECISION, "value", "n", "wanted", *CHANCE])


def model_scores(scores: pd.DataFrame, classes: Sequence[str]) -> dict[str, pd.Series]:
    """Scores of the substitutions of the reference, by name: the masked model's, each class's change, the LARGEST."""
    changes = scores[[change_of(name) for name in classes]]
    return {
        MASKED: scores["masked"],
        LARGEST: changes.max(axis=1),
        **{change_of(name): changes[change_of(name)] for name in classes},
    }


def correlation_table(
    scores: pd.DataFrame,
    measured: pd.DataFrame,
    classes: Sequence[str],
    permutations: int,
    bootstrap: int,
    confidence: float,
    seed: list[int],
) -> pd.DataFrame:
    """Spearman's correlations of the model's scores in the reference with measured values: CORRELATIONS.

    `measured`: residue, amino_acid, value. Intervals resample residues; the null gives each residue the scores of
    another, and p is two-sided. n is the number of residues.
    """
    rows = []
    reference = scores[(scores["sequence"] == REFERENCE) & (scores["amino_acid"] != scores["own"])]
    found = reference.merge(measured, on=["residue", "amino_acid"])
    residues = np.unique(found["residue"])
    for name, values in model_scores(found, classes).items() if len(found) else ():
        own, other = (_grid(found, column, residues) for column in (values, found["value"]))
        both = np.isfinite(own) & np.isfinite(other)
        told = both.any(axis=1)
        own, other, n = own[told], other[told], int(told.sum())
        value = geometry.grid_correlation(own, other)
        null = geometry.permuted_correlations(own, other, permutations, np.random.default_rng(seed))
        resampled = [np.nan]
        if n > 1:
            weights = bootstrap_weights(np.arange(n), bootstrap, seed[0])
            resampled = [one for several in weights for one in geometry.resampled_correlations(own, other, several)]
        p = (1 + (np.abs(null) >= abs(value)).sum()) / (1 + permutations) if np.isfinite(value) else np.nan
        ends = (*percentile_interval(np.array(resampled), confidence), *percentile_interval(null, confidence))
        rows.append((name, value, *ends, p, int(both.sum()), n))
    return pd.DataFrame(rows, columns=CORRELATIONS)


def _grid(rows: pd.DataFrame, values: pd.Series, residues: np.ndarray) -> np.ndarray:
    """Values (residues, amino acids), NaN where there is no row."""
    grid = np.full((len(residues), len(AMINO_ACIDS)), np.nan)
    at = np.searchsorted(residues, rows["residue"]), [AMINO_ACIDS.index(acid) for acid in rows["amino_acid"]]
    grid[at] = values
    return grid


def mutagenesis_findings(
    precision: pd.DataFrame, correlations: pd.DataFrame, compared: str, confidence: float
) -> list[Finding]:
    """Whether what the model picks out defines its classes, over classes, and agrees with measured values.

    `compared` says why nothing is compared with measured values, where it is not.
    """
    return [
        *_of_precision(precision, confidence),
        *_of_measured(correlations, compared),
    ]


def _of_precision(precision: pd.DataFrame, confidence: float) -> Iterator[Finding]:
    claims = {
        (RISE, ALL): (
            "Of all substitutions of the reference, those that define a class raise its probability most.",
            "precision of as many substitutions as define the class",
        ),
        (RISE, READABLE): (
            "Of the substitutions whose k-mers it knows, those that define a class raise its probability most.",
            "precision of as many substitutions as define the class, among those without [UNK]",
        ),
        (FALL, RESIDUES): (
            "Where a sequence's class is lost by most substitutions, mutations stand that define it.",
            "precision of as many residues as define the class",
        ),
    }
    at_wanted = precision[precision["k"] == WANTED]
    for (ranked_by, among), (claim, statistic) in claims.items():
        rows = at_wanted[(at_wanted["ranked_by"] == ranked_by) & (at_wanted["among"] == among)].set_index("class")
        gain = (rows["value"] - rows["chance"]).astype(float)
        yield mean_finding(
            QUESTION, claim, f"{statistic}, less that of random ones, mean over classes", gain, "above", 0.0, confidence
        )


def _of_measured(correlations: pd.DataFrame, compared: str) -> Iterator[Finding]:
    claim = "The masked model's log-probability of a substitution goes with what was measured of it."
    statistic = "Spearman's correlation over the substitutions of the reference; the interval is over residues"
    rows = correlations[correlations["score"] == MASKED].to_dict("records")
    for row in rows or [dict.fromkeys(("value", "low", "high"), np.nan) | {"n": 0}]:
        ends = row["value"], row["low"], row["high"]
        yield Finding(MEIER, claim, statistic, *ends, row["n"], "above", 0.0, "" if rows else compared)
