"""Tests of shares of attention in domains: intervals, corrections, and whether classes differ."""

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from spikegeometry.stats.intervals import mean_bounds
from spikegeometry.streams import Stream

# Heads with fewer arcs have no shares of arcs.
MIN_ARCS = 100
PLACES = ["layer", "head", "variant", "domain"]
ARCS = ["arcs", "arcs_inside", "weight", "weight_inside"]


def domain_table(
    measurements: pd.DataFrame, shifts: pd.DataFrame, classes: list[str], confidence: float
) -> pd.DataFrame:
    """Long table of classes: share, background, log2_enrichment, p_shift, q_shift and, of arcs, number, shares and z.

    `measurements`: a row for each sequence and place (PLACES) with class, input, share, background, kmers (their
    number), and ARCS: the number of arcs and of those inside, and the attention of both; `shifts`: class, places,
    p_shift, for each class that has measurements and for `all`.
    Intervals are of the mean share over the distinct inputs, `mean_bounds` from 0 to 1. q_shift is Benjamini and
    Hochberg's, over all heads and domains of a class and variant. z_arcs and p_arcs compare the share of arcs with that
    of the k-mers by two proportions; this takes arcs for independent, and is kept only for comparison with publications
    that do so.
    """
    tables = []
    for name, tests in shifts.groupby("class", sort=False):
        rows = measurements[measurements["class"] == name] if name in classes else measurements
        rows = rows.drop_duplicates(["input", *PLACES])
        shares = rows.pivot(index="input", columns=PLACES, values="share")
        n = shares.notna().sum()
        low, high = mean_bounds(shares.mean(), shares.std(), n, confidence, 0, 1)
        wide = rows.groupby(PLACES, sort=False)[["share", "background", "kmers"]].mean()
        wide[ARCS] = rows.groupby(PLACES, sort=False)[ARCS].sum(min_count=1)
        bounds = pd.DataFrame({"low": low, "high": high, "n": n.to_numpy()}, index=shares.columns)
        wide = wide.join(bounds).join(tests.set_index(PLACES)["p_shift"]).dropna(subset="share").reset_index()
        tables.append(_long(wide).assign(**{"class": name}))
    return pd.concat(tables, ignore_index=True)[["class", *PLACES, "statistic", "value", "n", "low", "high"]]


def contrast_table(measurements: pd.DataFrame, permutations: int, seed: int) -> pd.DataFrame:
    """Whether classes differ in their shares, as rows of the class `all`: eta2, p_contrast and q_contrast.

    eta2 is the share of the variance over distinct inputs that lies between classes. Its p is the share of random
    assignments of the classes to the inputs, the true one included, with as large a value; q as in `domain_table`.
    Empty where there are fewer than two classes. Where all inputs are alike, eta2 is missing and has no row.
    """
    rows = measurements.drop_duplicates(["input", *PLACES])
    shares = rows.pivot(index=["class", "input"], columns=PLACES, values="share").dropna(axis="columns")
    labels, names = pd.factorize(shares.index.get_level_values("class"))
    if len(names) < 2:
        return pd.DataFrame()
    values = shares.to_numpy()
    centred = values - values.mean(axis=0)
    scale = (centred**2).sum(axis=0)
    varies = scale > len(values) * np.finfo(np.float32).eps ** 2
    centred, columns = centred[:, varies] / np.sqrt(scale[varies]), shares.columns[varies]

    def between(assigned: np.ndarray) -> np.ndarray:
        indicator = (assigned == np.arange(len(names))[:, None]).astype(float)
        return ((indicator @ centred) ** 2 / indicator.sum(axis=1, keepdims=True)).sum(axis=0)

    eta2 = between(labels)
    generator = np.random.default_rng([seed, Stream.DOMAIN_CONTRASTS])
    as_large = np.ones(len(eta2))
    for _ in range(permutations):
        as_large += between(generator.permutation(labels)) >= eta2 - 1e-12
    wide = columns.to_frame(index=False).assign(eta2=eta2, p_contrast=as_large / (permutations + 1), n=len(values))
    wide["q_contrast"] = wide.groupby("variant")["p_contrast"].transform(_corrected)
    table = wide.melt([*PLACES, "n"], ["eta2", "p_contrast", "q_contrast"], "statistic")
    return table.assign(**{"class": "all"})


def two_proportions(first, of, second, of_second) -> tuple[Any, np.ndarray]:
    """z of `first` / `of` against `second` / `of_second` by the pooled proportion, and its two-sided p."""
    pooled = (first + second) / (of + of_second)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (first / of - second / of_second) / np.sqrt(pooled * (1 - pooled) * (1 / of + 1 / of_second))
    return z, 2 * stats.norm.sf(np.abs(z))


def _corrected(p: pd.Series) -> np.ndarray:
    return stats.false_discovery_control(p, method="bh")


def _long(wide: pd.DataFrame) -> pd.DataFrame:
    with np.errstate(divide="ignore"):
        wide["log2_enrichment"] = np.log2(wide["share"] / wide["background"])
        bounds = {bound: np.log2(wide[bound] / wide["background"]) for bound in ("low", "high")}
    wide["q_shift"] = wide.groupby("variant")["p_shift"].transform(_corrected)
    enough = wide["arcs"] >= MIN_ARCS
    wide["arcs_share"] = (wide["arcs_inside"] / wide["arcs"]).where(enough)
    wide["arcs_weight_share"] = (wide["weight_inside"] / wide["weight"]).where(enough)
    z, p = two_proportions(wide["arcs_inside"], wide["arcs"], wide["background"] * wide["kmers"], wide["kmers"])
    wide["z_arcs"], wide["p_arcs"] = z.where(enough), pd.Series(p, wide.index).where(enough)
    statistics = [
        "share",
        "background",
        "log2_enrichment",
        "p_shift",
        "q_shift",
        "arcs",
        "arcs_share",
        "arcs_weight_share",
        "z_arcs",
        "p_arcs",
    ]
    table = wide.melt([*PLACES, "n"], statistics, "statistic")
    for bound in ("low", "high"):
        table[bound] = np.nan
        table.loc[table["statistic"] == "share", bound] = wide[bound].to_numpy()
        table.loc[table["statistic"] == "log2_enrichment", bound] = bounds[bound].to_numpy()
    return table.dropna(subset="value")
