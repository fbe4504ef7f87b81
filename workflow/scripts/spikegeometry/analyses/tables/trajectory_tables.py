"""Tables of statistics along a training: curves by layer, when each is half-way, and what comes first.

Snapshots lie at about equal distances on a logarithmic scale, so that time is counted in doublings: log2(1 + step).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from spikegeometry.analyses.tables.head_roles import modal_roles
from spikegeometry.geometry.attention_roles import ROLES
from spikegeometry.stats.findings import Finding, Side, mean_finding
from spikegeometry.stats.summaries import ALL_CLASSES
from spikegeometry.stats.trends import mean_interval

PRETRAIN, FINETUNE = "pretrain", "finetune"
CURVES = ["phase", "step", "kept", "site", "layer", "role", "statistic", "value", "n"]
HEADS = ["phase", "step", "kept", "layer", "head", "role", "statistic", "value", "n"]
# Of a curve; its units are classes or heads.
PLACES = ["phase", "statistic", "site", "layer"]
CHANGES = [*PLACES, "first", "furthest", "last", "half_way", "low", "high", "n"]
# The share of hidden k-mers under which there is nothing that fine-tuning could keep.
LEAST_READ = 0.1
QUESTION = "this workflow's question"
GAO = "Gao et al. 2019, arXiv 1907.12009"
SAPONATI = "Saponati et al. 2025, arXiv 2502.10927"
MERCHANT = "Merchant et al. 2020, arXiv 2004.14448"


def half_way(steps: Sequence[int], values: Sequence[float], change: float) -> float:
    """When a curve has first made half of a change from its start, in doublings: log2(1 + step).

    Between two steps the curve is a line on that scale. NaN where it never makes so much, or a value is missing.
    """
    times, curve = np.log2(1 + np.asarray(steps, float)), np.asarray(values, float)
    made = (curve - curve[0]) / (change or np.nan)
    if np.isnan(made).any() or made.max() < 0.5:
        return np.nan
    after = int(np.argmax(made >= 0.5))
    share = (0.5 - made[after - 1]) / (made[after] - made[after - 1])
    return float(times[after - 1] + share * (times[after] - times[after - 1]))


def excursion(values: Sequence[float] | np.ndarray) -> float:
    """The difference from its start of that value of a curve which is furthest from it."""
    away = np.asarray(values, float) - np.asarray(values, float)[0]
    return float(away[np.abs(away).argmax()])


def head_table(measured: pd.DataFrame) -> pd.DataFrame:
    """HEADS of all classes together, from the rows of `snapshots.measure` with their phase."""
    rows = measured[(measured["class"] == ALL_CLASSES) & measured["head"].notna()]
    return rows[HEADS].reset_index(drop=True)


def curve_table(measured: pd.DataFrame, heads: pd.DataFrame, histories: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """CURVES: by layer the means over its heads, the shares of them with each role and with their final role; what has
    no head as it is; and the losses of the `histories`, by phase, with the site `train` or `validation`."""
    rows = measured[(measured["class"] == ALL_CLASSES) & measured["head"].isna()]
    places = ["phase", "step", "kept", "layer", "statistic"]
    scores = heads[heads["role"].isna()].groupby(places, sort=False)["value"].agg(value="mean", n="size")
    roles = roles_of_heads(heads)
    held = roles.groupby([*places[:4], "role"], sort=False).size().rename("value").reset_index()
    n = roles.groupby(places[:4], sort=False).size().rename("n").reset_index()
    shares = held.merge(n, on=places[:4]).assign(statistic="role", value=lambda of: of["value"] / of["n"])
    final = roles.groupby(places[:4], sort=False)["final"].agg(value="mean", n="size").assign(statistic="final_role")
    losses = [
        log[log["metric"] == "loss"][["step", "split", "value"]]
        .rename(columns={"split": "site"})
        .assign(phase=phase, kept=False, statistic="loss")
        for phase, log in histories.items()
    ]
    parts = [rows, scores.reset_index(), shares, final.reset_index(), *losses]
    return pd.concat([part for part in parts if len(part)]).reindex(columns=CURVES).reset_index(drop=True)


def roles_of_heads(heads: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """The most frequent role of each head at each step, and `final`: whether the model that the phase kept has it too.

    Columns: phase, step, kept, `by`, layer, head, role, final.
    """
    shares = heads[heads["role"].notna()]
    place = [*by, "layer", "head"]
    modal = modal_roles(shares, ROLES, ["phase", "step", *place]).sort_values(["phase", "step", *place])
    kept = modal[modal["kept"]].set_index(["phase", *place])["role"].rename("last")
    joined = modal.join(kept, on=["phase", *place])
    columns = ["phase", "step", "kept", *place, "role"]
    return joined[columns].assign(final=joined["role"] == joined["last"]).reset_index(drop=True)


def class_curves(measured: pd.DataFrame) -> pd.DataFrame:
    """Curves up to the model that was kept, a row for each phase, statistic, site, layer and unit, a column each step.

    The unit is the class, in which heads are averaged; of weights, which read no sequence, it is the head.
    """
    kept = measured[measured["kept"]].groupby("phase")["step"].first()
    rows = measured[(measured["step"] <= measured["phase"].map(kept)) & measured["role"].isna()]
    weights = rows.groupby("statistic")["class"].transform("nunique") == 1
    of_heads = rows[weights].assign(unit=lambda of: of["head"].map("head {:.0f}".format))
    of_classes = rows[~weights & (rows["class"] != ALL_CLASSES)].assign(unit=lambda of: of["class"])
    places = [*PLACES, "unit"]
    joined = pd.concat([of_classes, of_heads])
    return joined.pivot_table(index=places, columns="step", values="value", dropna=False).dropna(how="all")


def half_ways(curves: pd.DataFrame, confidence: float) -> pd.Series:
    """`half_way` of each row of `class_curves`: of its change from first to last; of a curve that over its units ends
    where it began, of its furthest excursion; NaN where that may be none at all: of noise no half means anything."""

    def halves(of: pd.DataFrame) -> pd.Series:
        for moves in (changes(of), excursions(of)):
            found = mean_interval(moves, confidence)
            if not found["low"] <= 0 <= found["high"]:
                rows = (row.dropna() for _, row in of.iterrows())
                return pd.Series(
                    [half_way(row.index, row, move) for row, move in zip(rows, moves, strict=True)], of.index
                )
        return pd.Series(np.nan, of.index)

    groups = curves.groupby(PLACES, sort=False, dropna=False)
    return pd.concat([halves(of) for _, of in groups]).reindex(curves.index)


def excursions(curves: pd.DataFrame) -> pd.Series:
    """`excursion` of each row of `class_curves`."""
    return curves.apply(lambda row: excursion(row.dropna()), axis=1)


def ends(curves: pd.DataFrame) -> pd.DataFrame:
    """The `first` and the `last` value of each row of `class_curves`."""
    return pd.DataFrame({"first": curves.bfill(axis=1).iloc[:, 0], "last": curves.ffill(axis=1).iloc[:, -1]})


def changes(curves: pd.DataFrame) -> pd.Series:
    """The last value of each row of `class_curves` less its first."""
    return ends(curves)["last"] - ends(curves)["first"]


def change_table(curves: pd.DataFrame, halves: pd.Series, confidence: float) -> pd.DataFrame:
    """CHANGES: where each curve starts, is furthest from its start and ends, means over the units; and the step at
    which it is half-way: the mean of the doublings over the units with Student's interval, as steps."""
    rows = []
    told = ends(curves).assign(half=halves)
    told["furthest"] = told["first"] + excursions(curves)
    for place, of in told.groupby(PLACES, sort=False, dropna=False):
        found = mean_interval(of["half"], confidence, (0.0, np.inf))
        times = [2.0 ** found[name] - 1 for name in ("value", "low", "high")]
        rows.append((*place, *of[["first", "furthest", "last"]].mean(), *times, found["n"]))
    return pd.DataFrame(rows, columns=CHANGES)


def findings(
    curves: pd.DataFrame, halves: pd.Series, roles: pd.DataFrame, layers: int, closed: float, confidence: float
) -> list[Finding]:
    """What comes first, whether the cone opens or closes, and what fine-tuning keeps.

    `roles`: of `roles_of_heads` by class; `closed`: the rise of R from which the cone has closed.
    Of phases that were not measured there is no finding.
    """
    measured = set(curves.index.get_level_values("phase"))

    def units(of: pd.Series | pd.DataFrame, phase: str, statistic: str, site: str | None, layer: int | None) -> Any:
        index = of.index.to_frame()
        wanted = {"phase": phase, "statistic": statistic, "site": site, "layer": layer}
        chosen = np.ones(len(index), bool)
        for name, value in wanted.items():
            chosen &= index[name].isna() if value is None else index[name] == value
        return of[chosen].droplevel(PLACES)

    def change(phase: str, statistic: str, site: str | None, layer: int | None) -> pd.Series:
        return changes(units(curves, phase, statistic, site, layer))

    cone, apart = ("R", None, layers), ("silhouette", "cls", layers)
    loss, read = ("loss", "classifier", None), ("token_accuracy", None, None)
    last = "of the last layer's tokens"
    claims: list[tuple[str, str, str, pd.Series, Side, float]] = []
    if PRETRAIN in measured:
        symmetry = pd.concat([change(PRETRAIN, "symmetry", None, layer) for layer in range(1, layers + 1)])
        reading = units(halves, PRETRAIN, *read)
        early = roles[(roles["phase"] == PRETRAIN)]
        turned = ~early.groupby(["class", "layer", "head"])["final"].transform("first")
        early = early[turned.astype(bool)]
        times = np.log2(1 + early["step"])
        due = early[times >= early["class"].map(reading)].groupby(["class", "layer", "head"])["final"].first()
        claims += [
            (GAO, "Training closes the cone of the tokens.", f"change of R {last} in pre-training",
             change(PRETRAIN, *cone), "above", 0.0),
            (SAPONATI, "Bidirectional training makes query-key forms symmetric.",
             "change of the symmetry of a head's form in pre-training", symmetry, "above", 0.0),
            (QUESTION, "The cone changes before hidden k-mers are read.",
             f"doublings of steps from half of the reading of hidden k-mers to half of the change of R {last}",
             units(halves, PRETRAIN, *cone) - reading, "below", 0.0),
            (QUESTION, "Heads have their final role when half of the reading of hidden k-mers is learnt.",
             "share of heads with the role that they have after pre-training, of those that had another before",
             due.groupby("class").mean().astype(float), "above", 0.5),
        ]  # fmt: skip
    still_read = ends(units(curves, FINETUNE, *read))
    falling = units(halves, FINETUNE, *loss)
    between = units(curves, FINETUNE, *cone)
    claims += [
        (QUESTION, "Fine-tuning closes the cone of the tokens.", f"change of R {last} in fine-tuning",
         change(FINETUNE, *cone), "above", 0.0),
        (QUESTION, "The cone closes while the classifier learns, and opens again.",
         f"highest R {last} in fine-tuning, less the higher of the first and the last",
         between.max(axis=1) - ends(between).max(axis=1), "above", closed),
        (QUESTION, "[CLS] lies apart by class before the classifier's loss falls.",
         "doublings of steps from half of the loss to half of the silhouette of the last layer's [CLS]",
         units(halves, FINETUNE, *apart) - falling, "below", 0.0),
        (QUESTION, "The cone changes before the classifier's loss falls.",
         f"doublings of steps from half of the loss to half of the change of R {last}",
         units(halves, FINETUNE, *cone) - falling, "below", 0.0),
        (MERCHANT, "Fine-tuning does not forget what pre-training taught.",
         "share of the hidden k-mers that the masked model's head still reads after fine-tuning, of those before",
         still_read["last"] / still_read["first"].where(still_read["first"] >= LEAST_READ), "above", 0.5),
    ]  # fmt: skip
    return [mean_finding(*claim, confidence) for claim in claims]
