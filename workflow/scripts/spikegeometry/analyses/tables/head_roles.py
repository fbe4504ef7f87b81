"""Tables of the roles of heads, and what Kovaleva et al. and Clark et al. found in BERT, compared with them.

`measurements` has a row for each sequence, layer, head and variant (raw, kmers).
"""

from collections.abc import Sequence

import pandas as pd

from spikegeometry.stats.findings import Finding, Side, mean_finding
from spikegeometry.stats.summaries import class_means
from spikegeometry.stats.trends import over_classes

KOVALEVA = "Kovaleva et al. 2019, arXiv 1908.08593"
CLARK = "Clark et al. 2019, arXiv 1906.04341"
# Layers 6 to 10 of 12, as shares of the depth: after the first, up to the second.
MIDDLE_AND_LATE = 5 / 12, 10 / 12


def modal_roles(
    shares: pd.DataFrame, roles: Sequence[str], places: Sequence[str] = ("class", "layer", "head", "variant")
) -> pd.DataFrame:
    """The rows of `label_shares` with the most frequent role of each head; of equally frequent ones the first role.

    `places`: the columns that say which head, and where.
    """
    order = {role: number for number, role in enumerate(roles)}
    ranked = shares.assign(order=shares["role"].map(order)).sort_values(["value", "order"], ascending=[False, True])
    modal = ranked.drop_duplicates([*places]).sort_index()
    return modal.drop(columns="order").assign(statistic="modal_share")


def layer_means(
    measurements: pd.DataFrame, classes: list[str], roles: Sequence[str], shares: Sequence[str], confidence: float
) -> pd.DataFrame:
    """What the heads of a layer have: `heads`, the share of them with each role, and their mean attention `shares`.

    Columns as of `class_means`, and role.
    """
    of_roles = {role: measurements["role"] == role for role in roles}
    keys = ["class", "input", "sequence", "layer", "variant"]
    by_sequence = measurements[[*keys, *shares]].assign(**of_roles).groupby(keys, sort=False).mean().reset_index()
    means = class_means(by_sequence, classes, ["layer", "variant"], [*roles, *shares], confidence)
    is_role = means["statistic"].isin(roles)
    return means.assign(role=means["statistic"].where(is_role), statistic=means["statistic"].mask(is_role, "heads"))


def role_findings(measurements: pd.DataFrame, patterns: Sequence[str], depth: int, confidence: float) -> list[Finding]:
    """Findings from the roles of heads, means over the classes; equal inputs count once in a class.

    `measurements`: class, input, layer, head, variant, role, to_sep; `patterns`: the roles but heterogeneous;
    `depth`: layers of the model.
    """
    rows = measurements.drop_duplicates(["class", "input", "layer", "head", "variant"])
    raw = rows[rows["variant"] == "raw"]
    vertical = _share(rows, rows["role"] == "vertical", ["variant"]).unstack("variant")
    heterogeneous = _share(raw, raw["role"] == "heterogeneous", [])
    holders = raw.groupby(["class", "input", "role"])["head"].transform("size")
    repeated = _share(raw, raw["role"].isin(patterns) & (holders > 1), [])
    first, last = MIDDLE_AND_LATE
    chosen = raw[(raw["layer"] > first * depth) & (raw["layer"] <= last * depth)]
    to_sep = over_classes(chosen.groupby(["class", "input"])["to_sep"].mean())
    stripes = vertical["raw"] - vertical["kmers"]
    compared: list[tuple[str, str, str, pd.Series, Side, float]] = [
        (
            KOVALEVA,
            "The same few patterns are repeated across heads.",
            "share of heads with a role, other than heterogeneous, that another head has too",
            repeated,
            "above",
            0.5,
        ),
        (
            KOVALEVA,
            "About 30% of some 400 maps, named by eye, are vertical: not far less.",
            "share of vertical heads",
            vertical["raw"],
            "above",
            0.2,
        ),
        (
            KOVALEVA,
            "About 30% of some 400 maps, named by eye, are vertical: not far more.",
            "share of vertical heads",
            vertical["raw"],
            "below",
            0.4,
        ),
        (
            KOVALEVA,
            "Vertical stripes are attention to [CLS] and [SEP].",
            "share of vertical heads, all tokens less k-mers alone",
            stripes,
            "above",
            0,
        ),
        (
            KOVALEVA,
            "About half of some 400 maps, named by eye, are heterogeneous: not far fewer.",
            "share of heterogeneous heads",
            heterogeneous,
            "above",
            1 / 3,
        ),
        (
            KOVALEVA,
            "About half of some 400 maps, named by eye, are heterogeneous: not far more.",
            "share of heterogeneous heads",
            heterogeneous,
            "below",
            2 / 3,
        ),
        (
            CLARK,
            "Over half of the attention of middle and late layers goes to [SEP].",
            "share of attention to [SEP], mean over the heads of the layers beyond 5/12 of the depth up to 10/12",
            to_sep,
            "above",
            0.5,
        ),
    ]
    return [
        # Shares, and one difference of shares.
        mean_finding(*finding, confidence, (-1, 1) if finding[3] is stripes else (0, 1))
        for finding in compared
    ]


def _share(rows: pd.DataFrame, chosen: pd.Series, by: list[str]) -> pd.Series:
    """Share of the heads that are chosen, in each class and group, mean over the inputs of the class."""
    shares = rows.assign(chosen=chosen).groupby(["class", "input", *by])["chosen"].mean()
    return shares.groupby(["class", *by]).mean()
