"""Figure of when the classifier abstains: scores and threshold, ROC, risk and coverage, and reliability."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikegeometry.figures.style import CYAN, GREY, INDIGO, LIME, OTHER_COLOUR, RED, WINE, new_figure

BINS = 30
SCORES = {
    "energy": "energy",
    "max_softmax": "largest probability",
    "mahalanobis": "Mahalanobis distance",
    "neighbours": "distance to neighbours",
}
UNITS = {
    "energy": "energy (units of logits)",
    "max_softmax": "largest class probability",
    "mahalanobis": "minus the Mahalanobis distance of [CLS]",
    "neighbours": "minus the distance of [CLS] to its neighbour",
}
COLOURS = {"energy": INDIGO, "max_softmax": RED, "mahalanobis": CYAN, "neighbours": LIME}
GROUPS = {"right": CYAN, "wrong": WINE, "other": OTHER_COLOUR}
MEANINGS = {
    "right": "of the classes, correctly classified",
    "wrong": "of the classes, misclassified",
    "other": "of none of them",
}


def draw_abstention(metrics: pd.DataFrame, curves: pd.DataFrame, scores: pd.DataFrame, name: str) -> Figure:
    """What scores and their thresholds do on the set `name`.

    `metrics`: known, score, temperature, used (yes for the rule that the predictions carry), metric, value, low, high,
    n, n_other; `curves`: curve, score, temperature, x, y, n; `scores`: group, score, temperature, margin.
    """
    used = metrics[metrics["used"] == "yes"]
    rule = {key: used[key].iloc[0] for key in ("score", "temperature")}
    genomes = scores[(scores["score"] == rule["score"]) & (scores["temperature"] == rule["temperature"])]
    figure, axes = new_figure(10, 10.2, 2, 2)
    _draw_scores(axes[0, 0], genomes, used, rule["score"])
    _draw_roc(axes[0, 1], curves[curves["curve"] == "roc"], metrics[metrics["known"] == name])
    _draw_risk(axes[1, 0], curves[curves["curve"] == "risk"], genomes)
    _draw_reliability(axes[1, 1], curves[curves["curve"] == "reliability"], metrics)
    others = (genomes["group"] == "other").sum()
    heated = f" at temperature {rule['temperature']:.2f}" if rule["temperature"] != 1 else ""
    figure.suptitle(
        f"Fine-tuned model on {name}: abstention by {SCORES[rule['score']]}{heated}, "
        f"n = {len(genomes) - others} genomes of the classes and {others} of none"
    )
    return figure


def _draw_scores(axis: Axes, genomes: pd.DataFrame, used: pd.DataFrame, score: str) -> None:
    """Numbers of genomes by margin, one group on top of another, and 0, under which the rule abstains."""
    edges = np.histogram_bin_edges(np.append(genomes["margin"], 0), BINS)
    present = [group for group in GROUPS if (genomes["group"] == group).any()]
    axis.hist(
        [genomes.loc[genomes["group"] == group, "margin"] for group in present],
        bins=edges,
        stacked=True,
        color=[GROUPS[group] for group in present],
        label=[f"{MEANINGS[group]} ({(genomes['group'] == group).sum()})" for group in present],
    )
    axis.axvline(0, color="black", linestyle="--", linewidth=1, label="0: abstain to the left")
    axis.set(xlabel=f"{UNITS[score]}, less the threshold of its class", ylabel="genomes")
    shares = used.set_index("metric")
    names = {"coverage": "of the classes", "coverage_other": "of none"}
    kept = [f"{_interval(shares.loc[key])} {text}" for key, text in names.items() if key in shares.index]
    axis.set_title("Kept: " + "\n".join(kept))
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15))


def _draw_roc(axis: Axes, curves: pd.DataFrame, metrics: pd.DataFrame) -> None:
    axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), box_aspect=1)
    axis.set(xlabel="share of out-of-class genomes kept", ylabel="share of genomes of the classes kept")
    axis.set_title("Known or not: ROC")
    axis.plot([0, 1], [0, 1], color=GREY, linestyle=":")
    if curves.empty:
        axis.text(0.3, 0.8, "no out-of-class genome\nin this set", ha="center")
        return
    areas = metrics[metrics["metric"] == "auroc"].set_index(["score", "temperature"])
    for (score, temperature), points in _variants(curves):
        area = _interval(areas.loc[(score, temperature)])
        axis.plot(points["x"], points["y"], label=f"{_label(score, temperature)}: {area}", **_style(score, temperature))
    axis.legend(title="area [interval]", loc="upper center", bbox_to_anchor=(0.5, -0.15))


def _draw_risk(axis: Axes, curves: pd.DataFrame, genomes: pd.DataFrame) -> None:
    for (score, temperature), points in _variants(curves):
        axis.plot(points["x"], points["y"], label=_label(score, temperature), **_style(score, temperature))
    kept = genomes["margin"] >= 0
    wrong = (genomes["group"] != "right")[kept].mean() if kept.any() else np.nan
    axis.plot(kept.mean(), wrong, "o", color="black", label=f"threshold: keeps {kept.mean():.1%}, {wrong:.1%} wrong")
    axis.set(xlim=(-0.02, 1.02), xlabel="share of all genomes kept", ylabel="share of wrong ones among the kept")
    axis.set_ylim(bottom=-0.005, top=max(0.05, 1.15 * curves["y"].max()))
    axis.set_title("Risk and coverage (keeping an out-of-class genome is wrong)")
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2)


def _draw_reliability(axis: Axes, curves: pd.DataFrame, metrics: pd.DataFrame) -> None:
    axis.plot([0, 1], [0, 1], color=GREY, linestyle=":")
    axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.05), box_aspect=1)
    axis.set(xlabel="mean largest probability of the bin", ylabel="share correctly classified")
    axis.set_title("Reliability, genomes of the classes")
    if curves.empty:
        axis.text(0.3, 0.8, "no genome of the classes\nin this set", ha="center")
        return
    errors = metrics[metrics["metric"] == "ece"].set_index("temperature")
    for (score, temperature), points in _variants(curves):
        label = f"temperature {temperature:.2f}: {_interval(errors.loc[temperature])}"
        axis.scatter(points["x"], points["y"], 8 + 3 * points["n"], color=COLOURS[score], alpha=0.4, linewidth=0)
        axis.plot(points["x"], points["y"], marker=".", label=label, **_style(score, temperature))
    axis.legend(title="calibration error [interval]", loc="upper center", bbox_to_anchor=(0.5, -0.15))


def _variants(curves: pd.DataFrame):
    return curves.groupby(["score", "temperature"], sort=False)


def _label(score: str, temperature: float) -> str:
    return f"{SCORES[score]}, T = {temperature:.2f}"


def _style(score: str, temperature: float) -> dict:
    """A colour for the score; dashed lines, thicker to be seen under the other, without a fitted temperature."""
    plain = temperature == 1
    return {"color": COLOURS[score], "linestyle": "--" if plain else "-", "linewidth": 2.4 if plain else 1.2}


def _interval(row: pd.Series) -> str:
    text = f"{row['value']:.3f}"
    return text if pd.isna(row["low"]) else f"{text} [{row['low']:.3f}, {row['high']:.3f}]"
