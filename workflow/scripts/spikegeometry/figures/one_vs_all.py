"""Figure of one class against the rest by a few positions: F1 by their number, the bound, and where they lie."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from spikegeometry.figures.domains import name_axis, shade_domains
from spikegeometry.figures.style import GREY, INDIGO, INK, RED, new_figure, note_missing

ALL_CLASSES = "all"
COLUMNS = 4
RANKINGS = {
    "information": ("most informative in training", INDIGO, "^", "-"),
    "attention": ("most attended, against the rest", RED, "o", "--"),
    "random": ("random, mean of draws", GREY, "s", "-."),
}
CLASSIFIERS = {"logistic": "Logistic regression", "mlp": "Network", "lookup": "Table of tokens"}
# The classifier of the panels of single classes.
OF_CLASSES = "logistic"
CHOSEN = ("information", "attention")


def draw_one_vs_all(
    table: pd.DataFrame,
    positions: pd.DataFrame,
    domains: pd.DataFrame,
    mutations: pd.DataFrame,
    classes: list[str],
    chosen: list[str],
) -> Figure:
    """F1 by number of positions, of the mean over classes and of each class; training accuracy; the positions.

    `table`: class, ranking, positions, classifier, statistic, value, n, low, high; `positions`: class, ranking, rank,
    first_residue, last_residue; `domains`, `mutations`: name, first, last (residues), and class; `classes`: all classes
    of the run, in the order of their colours; `chosen`: those that were asked for.
    """
    present = set(table["class"])
    shown = [name for name in classes if name in present]
    scores = table[table["statistic"] == "f1"]
    rows = -(-len(shown) // COLUMNS)
    last = 0.7 + 0.3 * len(shown)
    height = 2.5 * (1 + rows) + last
    figure, axes = new_figure(10, height + 0.9, rows + 2, COLUMNS, height_ratios=[2.5] * (1 + rows) + [last])

    everything = scores[scores["class"] == ALL_CLASSES]
    for axis, (classifier, title) in zip(axes[0], CLASSIFIERS.items(), strict=False):
        _draw_scores(axis, everything[everything["classifier"] == classifier])
        axis.set_title(f"{title}, mean of classes", fontsize=9)
    _draw_bound(axes[0, -1], table[(table["statistic"] == "train_accuracy") & (table["class"] != ALL_CLASSES)])
    of_classes = scores[scores["classifier"] == OF_CLASSES]
    for axis, name in zip(axes[1:-1].flat, shown, strict=False):
        own = of_classes[of_classes["class"] == name]
        _draw_scores(axis, own)
        axis.set_title(f"{name} (n = {own['n'].max()})", fontsize=9)
    for axis in [*axes[1:-1].flat[len(shown) :], *axes[-1]]:
        axis.remove()
    for axis in axes[: rows + 1, 0]:
        axis.set_ylabel("F1, test sequences")
    _draw_positions(figure.add_subplot(axes[0, 0].get_gridspec()[-1, :]), positions, domains, mutations, shown)

    handles = [_line(ranking) for ranking in RANKINGS]
    handles.append(Line2D([], [], color=INK, linestyle=":", label="all positions, logistic regression"))
    figure.legend(handles=handles, loc="outside lower center", ncols=4, title="Discriminative positions")
    note = note_missing(chosen, present)
    n = everything["n"].max()
    figure.suptitle(f"One class told from the rest by a few k-mers, n = {n:,} distinct test sequences{note}")
    return figure


def _line(ranking: str) -> Line2D:
    label, colour, marker, line = RANKINGS[ranking]
    return Line2D([], [], color=colour, marker=marker, linestyle=line, markersize=4, label=label)


def _draw_scores(axis: Axes, rows: pd.DataFrame) -> None:
    """A score by number of positions for each ranking, with its interval, and that of all positions as a line."""
    for ranking in RANKINGS:
        points = rows[rows["ranking"] == ranking].sort_values("positions")
        line = _line(ranking)
        line.set_data(points["positions"], points["value"])
        axis.add_line(line)
        axis.fill_between(
            points["positions"], points["low"], points["high"], color=line.get_color(), alpha=0.15, linewidth=0
        )
    for value in rows.loc[rows["ranking"] == "all", "value"]:
        axis.axhline(value, color=INK, linestyle=":")
    few = sorted(rows.loc[rows["ranking"] != "all", "positions"].unique())
    axis.set(xscale="log", ylim=(-0.03, 1.06), xlabel="positions")
    axis.set_xticks(few, [f"{number}" for number in few])
    axis.minorticks_off()


def _draw_bound(axis: Axes, rows: pd.DataFrame) -> None:
    """Training accuracy of the network against that of the table, one point for each class and set of positions."""
    wide = rows.pivot_table(index=["class", "ranking", "positions"], columns="classifier", values="value").dropna()
    axis.plot([0.5, 1], [0.5, 1], color=INK, linewidth=1)
    for ranking in RANKINGS:
        if ranking in wide.index.get_level_values("ranking"):
            points = wide.xs(ranking, level="ranking")
            _, colour, marker, _ = RANKINGS[ranking]
            axis.plot(points["lookup"], points["mlp"], marker, color=colour, markersize=4, alpha=0.6)
    low = min(0.5, wide.to_numpy().min())
    axis.set(xlim=(low - 0.02, 1.02), ylim=(low - 0.02, 1.02), xlabel="table of tokens: the bound", ylabel="network")
    axis.set_title("Balanced training accuracy", fontsize=9)


def _draw_positions(
    axis: Axes, positions: pd.DataFrame, domains: pd.DataFrame, mutations: pd.DataFrame, shown: list[str]
) -> None:
    """Where the first positions of each class lie: larger is earlier in the ranking, and the first is filled."""
    shade_domains(axis, domains)
    axis.set(xlim=(0.5, 1.02 * domains["last"].max()), ylim=(len(shown) - 0.5, -0.5))
    pad = name_axis(axis, domains, mutations)
    for row, name in enumerate(shown):
        for ranking, offset in zip(CHOSEN, (-0.2, 0.2), strict=True):
            own = positions[(positions["class"] == name) & (positions["ranking"] == ranking)].sort_values("rank")
            _, colour, marker, _ = RANKINGS[ranking]
            places = (own["first_residue"] + own["last_residue"]) / 2
            faces = [colour, *["none"] * (len(own) - 1)]
            sizes = np.linspace(55, 12, len(own))
            heights = np.full(len(own), row + offset)
            axis.scatter(places, heights, s=sizes, marker=marker, edgecolor=colour, facecolor=faces, linewidth=1)
    axis.set_yticks(range(len(shown)), shown)
    axis.set_xlabel("residue of the protein")
    count = positions["rank"].max()
    axis.set_title(f"The first {count} positions of each class (the first of them filled, later ones smaller)", pad=pad)
