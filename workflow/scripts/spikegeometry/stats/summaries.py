"""From measurements of single sequences to a table of classes.

An analysis of the model measures each recorded sequence into rows, one for each of its places (a layer, a head, a
site, ...), with one column for each statistic. What is published is a long table over the sequences of each class and
over all of them: class, the places, statistic, value, n, low, high. Equal token sequences measure the same, so they
count once: n is the number of distinct ones (the column `input`, from `number_inputs`).
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from spikegeometry.errors import InputError, check_finite
from spikegeometry.logs import progress
from spikegeometry.stats.intervals import mean_bounds, wilson_interval
from spikegeometry.stats.ranges import RANGES, UNBOUNDED

# Stands in the column `class` for the sequences of all classes together.
ALL_CLASSES = "all"

logger = logging.getLogger(__name__)


def labelled_sequences(recorded, classes: list[str]) -> Iterator[tuple[dict[str, Any], Any]]:
    """The labels (class, sequence, correct, input) and hidden states of each recorded sequence of `classes`.

    `recorded` is a `spikegeometry.model.activations.Recorded`. Raises InputError where a value is not finite.
    """
    for name in classes:
        if not (recorded.sequences["class"] == name).any():
            logger.warning("No sequence of class %s is recorded: it will have no rows.", name)
    inputs = number_inputs(recorded.tokens)
    for (row, hidden), number in zip(progress(recorded, "recorded sequences", len(recorded)), inputs, strict=True):
        if row["class"] in classes:
            for layer, values in enumerate(hidden):
                finite = bool(np.isfinite(np.asarray(values)).all())
                check_finite([finite], [row["accession"]], f"layer {layer}" if layer else "the embeddings")
            labels = {"class": row["class"], "sequence": row["accession"], "correct": row["correct"], "input": number}
            yield labels, hidden


def distinct(
    members: Iterable[tuple[dict[str, Any], Any]], most: int | None = None
) -> Iterator[tuple[dict[str, Any], Any]]:
    """Those of `labelled_sequences` that have other tokens than all before them of their class, the first `most`."""
    seen: defaultdict[str, set[int]] = defaultdict(set)
    for labels, hidden in members:
        inputs = seen[labels["class"]]
        if labels["input"] not in inputs and len(inputs) != most:
            inputs.add(labels["input"])
            yield labels, hidden


def number_inputs(tokens: np.ndarray) -> np.ndarray:
    """A number for each row of token ids (S, n): (S,), equal for equal rows."""
    return np.unique(tokens, axis=0, return_inverse=True)[1].reshape(-1)


class Records(list):
    """Records for `measurement_table` that are kept, as plain numbers, until all sequences are measured.

    A small tensor that is kept where large ones come and go holds on to the memory between them, at BERT-base
    to gigabytes of it.
    """

    def append(self, record: dict[str, Any]) -> None:
        super().append({name: np.asarray(value).tolist() for name, value in record.items()})


def measurement_table(records: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """One table from records of scalars and one-dimensional arrays, lists or tensors.

    The arrays of a record have one length, its number of rows, for which its scalars are repeated. All records have the
    same keys. Raises InputError where there is no record.
    """
    columns: defaultdict[str, list] = defaultdict(list)
    for record in records:
        values = {name: np.asarray(value) for name, value in record.items()}
        rows = max(array.size for array in values.values())
        for name, array in values.items():
            columns[name].extend(array.tolist() if array.ndim else [array.item()] * rows)
    if not columns:
        raise InputError(
            "No sequence is recorded of any class that the analysis is to take.\n"
            "Choose other classes in its block below `analyses`, or check that the test split has some of these."
        )
    return pd.DataFrame(columns)


def class_means(
    measurements: pd.DataFrame, classes: list[str], places: list[str], statistics: list[str], confidence: float
) -> pd.DataFrame:
    """Mean of each statistic over the distinct inputs of each class, at each place.

    `measurements` has the columns class and input, the `places` and the `statistics`. Missing values are left out, and
    what has no value has no row. `low` and `high` are `mean_bounds` in the range of the statistic (RANGES).
    """
    tables = []
    for name, rows in _by_class(measurements, classes, places):
        groups = rows.groupby(places, sort=False, dropna=False)[statistics]
        summary = pd.concat({"value": groups.mean(), "sd": groups.std(), "n": groups.count()}, axis=1)
        summary = summary.stack(level=1, future_stack=True).rename_axis([*places, "statistic"]).reset_index()
        tables.append(summary[summary["n"] > 0].assign(**{"class": name}))
    table = pd.concat(tables, ignore_index=True)
    ranges = np.array([RANGES.get(name, UNBOUNDED) for name in table["statistic"]]).reshape(-1, 2)
    low, high = mean_bounds(table["value"], table["sd"], table["n"], confidence, *ranges.T)
    table = table.assign(low=low, high=high)
    return table[["class", *places, "statistic", "value", "n", "low", "high"]]


def class_medians(
    measurements: pd.DataFrame, classes: list[str], places: list[str], statistics: list[str], confidence: float
) -> pd.DataFrame:
    """Median of each statistic over the distinct inputs of each class, at each place, as `class_means` otherwise.

    `low` and `high` are the values between which the median of the population lies whatever the distribution
    (Conover, Practical Nonparametric Statistics, 3.2); missing where n is too small for the confidence.
    """
    tables = []
    for name, rows in _by_class(measurements, classes, places):
        long = rows.melt(places, statistics, "statistic").dropna(subset="value")
        for place, values in long.groupby([*places, "statistic"], sort=False, dropna=False)["value"]:
            ordered = np.sort(values)
            # How many of the values may lie beyond either bound.
            beyond = int(stats.binom.ppf((1 - confidence) / 2, len(ordered), 0.5))
            bounds = (ordered[beyond - 1], ordered[-beyond]) if beyond else (np.nan, np.nan)
            tables.append((name, *place, np.median(ordered), len(ordered), *bounds))
    return pd.DataFrame(tables, columns=["class", *places, "statistic", "value", "n", "low", "high"])


def class_profiles(measurements: pd.DataFrame, classes: list[str], places: list[str]) -> pd.DataFrame:
    """Mean of the column `value` over the distinct inputs of each class, at each place; 0 where an input has no row.

    Columns: class, the places, value, n.
    """
    tables = []
    for name, rows in _by_class(measurements, classes, places):
        n = rows["input"].nunique()
        means = rows.groupby(places)["value"].sum() / n
        tables.append(means.reset_index().assign(**{"class": name, "n": n}))
    return pd.concat(tables, ignore_index=True)[["class", *places, "value", "n"]]


class TokenMeans:
    """Running means over the distinct inputs of what each token has, by layer, site and head.

    Sequences can differ in length: their tokens are aligned from the first on, but the last, [SEP], with the last.
    """

    def __init__(self, heads: list[int], numbers: list[int]):
        """`numbers` are those of the tokens of the longest sequence, `heads` those of the heads."""
        self.heads, self.numbers = heads, numbers
        self.seen: set[tuple[int, int, str]] = set()
        self.held: dict[tuple[int, str], tuple[np.ndarray, np.ndarray]] = {}

    def add(self, number: int, layer: int, site: str, values: np.ndarray) -> None:
        """Add the values (heads, n), or (n,) for what no head has, of one sequence, whose input has this number."""
        if (number, layer, site) in self.seen:
            return
        self.seen.add((number, layer, site))
        missing = np.full((*values.shape[:-1], len(self.numbers) - values.shape[-1]), np.nan)
        aligned = np.concatenate([values[..., :-1], missing, values[..., -1:]], axis=-1)
        sums, counts = self.held.get((layer, site), (0, 0))
        self.held[layer, site] = sums + np.nan_to_num(aligned), counts + np.isfinite(aligned)

    def table(self) -> pd.DataFrame:
        """Columns layer, site, head (missing for what no head has), token, value (the mean) and n."""
        tables = []
        for (layer, site), (sums, counts) in self.held.items():
            heads = self.heads if sums.ndim == 2 else [np.nan]
            for head, total, n in zip(heads, np.atleast_2d(sums), np.atleast_2d(counts), strict=True):
                place = {"layer": layer, "site": site, "head": float(head), "token": self.numbers}
                tables.append(pd.DataFrame(place | {"value": total, "n": n})[n > 0])
        table = pd.concat(tables, ignore_index=True)
        return table.assign(value=table["value"] / table["n"])


def label_shares(
    measurements: pd.DataFrame, classes: list[str], places: list[str], label: str, confidence: float
) -> pd.DataFrame:
    """Share of each value of the column `label` among the distinct inputs of each class, at each place.

    Columns: class, the places, `label`, statistic (share), value, n, low, high (Wilson's interval). The shares of a
    place sum to 1; labels that do not occur there have no row.
    """
    tables = []
    for name, rows in _by_class(measurements, classes, places):
        counts = rows.groupby([*places, label], dropna=False).size().rename("count").reset_index()
        n = counts.groupby(places, dropna=False)["count"].transform("sum")
        tables.append(counts.assign(**{"class": name, "statistic": "share", "value": counts["count"] / n, "n": n}))
    table = pd.concat(tables, ignore_index=True)
    bounds = [wilson_interval(share, n, confidence) for share, n in zip(table["value"], table["n"], strict=True)]
    table[["low", "high"]] = np.array(bounds)
    return table[["class", *places, label, "statistic", "value", "n", "low", "high"]]


def _by_class(measurements: pd.DataFrame, classes: list[str], places: list[str]) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of the distinct inputs of each class that has any, then of all classes."""
    for name in classes:
        rows = measurements[measurements["class"] == name]
        if len(rows):
            yield name, rows.drop_duplicates(["input", *places])
    yield ALL_CLASSES, measurements.drop_duplicates(["input", *places])
