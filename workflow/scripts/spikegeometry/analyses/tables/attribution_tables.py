"""Tables of attributions, and what other work says of attention, gradients and the mutations that define a variant."""

from collections import defaultdict
from typing import Any

import pandas as pd

from spikegeometry.stats.findings import Finding, mean_finding
from spikegeometry.stats.ranges import RANGES, UNBOUNDED
from spikegeometry.stats.summaries import class_means, measurement_table

# Method, its cutoff, statistic; source, claim, and the statistic in words. All say that it is above 0.
CLAIMS = [
    (
        ("attention", "R", "excess_sites"),
        "Ghione 2022; Bonino et al. 2025, arXiv 2502.12033",
        "Attention is often localised on the variant's defining mutations (more than on those of other classes).",
        "of the k-mers that define any class, those that [CLS] of the last layer attends to most: share of the class's "
        "own, less chance",
    ),
    (
        ("rollout", "R", "excess_sites"),
        "Ghione 2022; Bonino et al. 2025, arXiv 2502.12033",
        "Attention is often localised on the variant's defining mutations (more than on those of other classes, "
        "followed through all layers).",
        "of the k-mers that define any class, those with the largest rollout from [CLS]: share of the class's own, "
        "less chance",
    ),
    (
        ("", "", "agreement_gain"),
        "Abnar and Zuidema 2020, arXiv 2005.00928",
        "Rollout agrees better with gradients than the attention of the last layer does.",
        "Spearman's correlation with the size of integrated gradients from [MASK]: rollout less attention",
    ),
    (
        ("gradients_reference", "R", "excess_differing"),
        "this workflow's question",
        "Of the k-mers that differ from the reference's, the model weighs the defining ones most.",
        "share of defining k-mers among those with the largest integrated gradients from the reference, "
        "less that among differing ones in random order",
    ),
    (
        ("gradients_reference", "5", "excess_differing"),
        "this workflow's question",
        "Of the k-mers that differ from the reference's, the model weighs the defining ones most (its first five).",
        "share of defining k-mers among the 5 with the largest integrated gradients from the reference, "
        "less that among differing ones in random order",
    ),
]


def mean_table(
    records: list[tuple[dict[str, Any], dict[str, Any]]], classes: list[str], places: list[str], confidence: float
) -> pd.DataFrame:
    """`class_means` of records of labels (class, input, the `places` and others) and statistics, which may be unlike.

    Raises InputError where there is no record.
    """
    groups = defaultdict(list)
    for labels, values in records:
        groups[tuple(values)].append(labels | values)
    tables = [measurement_table(rows) for rows in groups.values()] or [measurement_table([])]
    statistics = map(list, groups)
    return pd.concat(
        [
            class_means(table, classes, places, names, confidence)
            for table, names in zip(tables, statistics, strict=True)
        ],
        ignore_index=True,
    )


def attribution_findings(table: pd.DataFrame, classes: list[str], confidence: float) -> list[Finding]:
    """The claims on the table of class means (class, method, k, statistic, value).

    Sequences of one class share their mutations, so the unit is the class: the mean over classes, and Student's
    interval of it.
    """
    findings = []
    for (method, k, statistic), source, claim, words in CLAIMS:
        rows = table[(table["method"] == method) & (table["k"] == k) & (table["statistic"] == statistic)]
        values = rows.loc[rows["class"].isin(classes), "value"]
        bounds = RANGES.get(statistic, UNBOUNDED)
        findings.append(mean_finding(source, claim, words, values, "above", 0.0, confidence, bounds))
    return findings
