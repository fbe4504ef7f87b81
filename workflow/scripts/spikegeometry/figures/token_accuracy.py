"""Figure of the accuracy per token: along the blocks against the majority, by frequency, confusions, and confidence."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spikegeometry.figures.style import (
    CYAN,
    INDIGO,
    INK,
    LIME,
    RED,
    SEQUENTIAL,
    VIOLET,
    class_colours,
    class_markers,
    new_figure,
    reach,
)

COLOURS = (CYAN, RED, INDIGO, VIOLET)
MARKERS = ("o", "s", "^", "D")
MAJORITY_COLOUR, OTHERS_COLOUR = CYAN, RED
LINE_COLOUR = INK
# What a hidden k-mer is read as, where the sequence differs from the majority.
READ_AS = {"the true k-mer": INDIGO, "the majority of the slot": "#BBBBBB", "another": LIME}
# K-mers that a map of confusions has room for.
CONFUSED = 12
BLOCK = "block (0: embeddings)"
BELOW = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.24)}


def draw_token_accuracy(
    table: pd.DataFrame,
    clusters: pd.DataFrame,
    tokens: pd.DataFrame,
    sequences: pd.DataFrame,
    confusion: pd.DataFrame,
    classes: list[str],
) -> Figure:
    """Nine panels on masked k-mers; a note where the run has no masked model.

    `table`: span, targets, reader, block, statistic, value, n, low, high; `clusters`: span, block, tau, mutual,
    statistic, value, low, high; `tokens`: the same places, kmer, majority, frequency, n_target, apt; `sequences`: span,
    class, confidence, mean_apt; `confusion`: span, block, token, read, count; `classes` in the order of their colours.
    """
    if table.empty:
        figure, axis = new_figure(8, 2)
        axis.axis("off")
        axis.text(0.5, 0.5, "The run's start has no head for masked k-mers: nothing to read.", ha="center", size=11)
        figure.suptitle("Accuracy of the hidden k-mers (n = 0)")
        return figure
    figure, axes = new_figure(10, 11.5, 3, 3)
    masked = table[table["targets"] == "masked"]
    spans, last = sorted(masked["span"].unique()), masked["block"].max()
    names = {
        "micro_gain": ("accuracy less the majority's", (-0.05, 0.05)),
        "micro_differing": ("accuracy", (0, 0.1)),
        "apt": ("mean accuracy per token", (0.9, 1)),
    }
    for axis, (statistic, (label, least)) in zip(axes[0], names.items(), strict=True):
        _draw_blocks(axis, masked[masked["statistic"] == statistic], spans)
        axis.set(xlabel=BLOCK, ylabel=label)
        reach(axis, *least)
    axes[0, 0].axhline(0, color=LINE_COLOUR, linestyle=":", linewidth=1.2)
    _draw_majority(axes[0, 2], masked[(masked["reader"] == "majority") & (masked["statistic"] == "apt")])
    axes[0, 0].set_title("All masked k-mers")
    axes[0, 1].set_title("Where the sequence differs\nfrom the slot's majority k-mer")
    axes[0, 2].set_title("Mean over k-mers (APT)")
    handles, labels = axes[0, 2].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    span = spans[-1]
    _draw_read_as(axes[1, 0], masked[masked["span"] == span], span)
    of_last = tokens[
        (tokens[["span", "targets", "subset", "reader", "block"]] == [span, "masked", "all", "block", last]).all(axis=1)
    ]
    _draw_frequency(axes[1, 1], of_last, last)
    statistics = masked[(masked["span"] == span) & (masked["block"] == last)].set_index("statistic")
    _draw_confidence(axes[1, 2], sequences[sequences["span"] == span], statistics, classes)
    axes[2, 0].remove()
    axes[2, 1].remove()
    wide = figure.add_subplot(axes[2, 0].get_gridspec()[2, :2])
    _draw_confusion(figure, wide, confusion[(confusion["span"] == span) & (confusion["block"] == last)], last)
    _draw_clusters(axes[2, 2], clusters[clusters["span"] == span])
    figure.suptitle(f"Masked k-mers read out of the masked model, n = {masked['n'].max()} distinct test sequences")
    return figure


def _draw_blocks(axis: Axes, rows: pd.DataFrame, spans: list[int]) -> None:
    """The probes of the blocks for each span, and the model's own head as a hollow mark."""
    for number, (span, colour, marker) in enumerate(zip(spans, COLOURS, MARKERS, strict=False)):
        shift = 0.1 * (number - (len(spans) - 1) / 2)
        for reader, filled in {"block": True, "own": False}.items():
            of = rows[(rows["span"] == span) & (rows["reader"] == reader)].sort_values("block")
            errors = [(of["value"] - of["low"]).fillna(0), (of["high"] - of["value"]).fillna(0)]
            place = of["block"] + shift + (0 if filled else 0.5 + 0.15 * number)
            style = {"color": colour, "marker": marker, "linestyle": "-" if filled else "", "linewidth": 1.2}
            style |= {"markersize": 4 if filled else 6, "markerfacecolor": colour if filled else "white"}
            label = f"{span} masked together" if filled else f"{span}: own head"
            axis.errorbar(place, of["value"], errors, elinewidth=0.8, label=label, **style)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))


def _draw_majority(axis: Axes, rows: pd.DataFrame) -> None:
    for value in rows["value"]:
        line = axis.axhline(value, color=LINE_COLOUR, linestyle=":", linewidth=1.2, zorder=0)
    line.set_label("majority k-mer of the slot")


def _draw_read_as(axis: Axes, rows: pd.DataFrame, span: int) -> None:
    readers = rows[rows["reader"].isin(["block", "own"]) & rows["block"].notna()]
    wide = readers.pivot_table(index=["reader", "block"], columns="statistic", values="value", dropna=False)
    wide = wide.reindex(columns=["micro_differing", "conforming_differing"]).dropna(how="all")
    right, majority = wide["micro_differing"].to_numpy(), wide["conforming_differing"].to_numpy()
    bottom = np.zeros(len(wide))
    for (label, colour), heights in zip(READ_AS.items(), (right, majority, 1 - right - majority), strict=True):
        axis.bar(np.arange(len(wide)), heights, bottom=bottom, color=colour, label=label, width=0.8)
        bottom = bottom + heights
    names = [f"{block:g}" if reader == "block" else "own\nhead" for reader, block in wide.index]
    axis.set_xticks(np.arange(len(wide)), names)
    axis.set(xlabel=BLOCK, ylabel="share of masked k-mers", ylim=(0, 1))
    axis.set_title(f"Read as, where the sequence differs\n({span} masked together)")
    axis.legend(fontsize=7, ncols=2, handlelength=1, columnspacing=0.6, **BELOW)


def _draw_frequency(axis: Axes, rows: pd.DataFrame, last: float) -> None:
    groups = {True: ("majority of a slot", MAJORITY_COLOUR, "o"), False: ("others", OTHERS_COLOUR, "^")}
    for majority, (label, colour, marker) in groups.items():
        of = rows[rows["majority"] == majority]
        sizes = 4 + 1.5 * of["n_target"]
        label = f"{label} ({len(of)})"
        axis.scatter(
            of["frequency"], of["apt"], sizes, color=colour, marker=marker, alpha=0.6, linewidth=0, label=label
        )
    axis.set(xscale="log", xlabel="count in the training split", ylabel="accuracy of the k-mer", ylim=(-0.05, 1.05))
    axis.set_title(f"Each k-mer, block {last:g}\n(size: times masked)")
    axis.legend(fontsize=7, ncols=2, handletextpad=0, **BELOW)


def _draw_confidence(axis: Axes, rows: pd.DataFrame, statistics: pd.DataFrame, classes: list[str]) -> None:
    colours, markers = class_colours(classes), class_markers(classes)
    for name, of in rows.groupby("class", sort=False):
        style = {"color": colours[name], "marker": markers[name], "linewidth": 0}
        axis.scatter(of["mean_apt"], of["confidence"], 14, label=name, **style)
    axis.set(xlabel="mean accuracy of its k-mers", ylabel="confidence of the label")
    axis.xaxis.set_major_locator(MaxNLocator(4))
    title = "Label and tokens"
    if "confidence_slope" in statistics.index:
        slope = statistics.loc["confidence_slope"]
        title += f"\nslope {slope['value']:.2g} ({slope['low']:.2g} to {slope['high']:.2g})"
    axis.set_title(title)
    axis.legend(fontsize=7, ncols=4, handletextpad=0, columnspacing=0.6, **BELOW)


def _draw_confusion(figure: Figure, axis: Axes, rows: pd.DataFrame, last: float) -> None:
    """The k-mers that are most often read wrong, and what they are read as."""
    wrong = (
        rows[rows["token"] != rows["read"]].groupby("token")["count"].sum().sort_values(ascending=False, kind="stable")
    )
    shown = rows[rows["token"].isin(wrong.index[:CONFUSED])]
    shares = shown.assign(share=shown["count"] / shown.groupby("token")["count"].transform("sum"))
    columns = shares.groupby("read")["count"].sum().sort_values(ascending=False, kind="stable").index[:CONFUSED]
    grid = shares.pivot_table(index="token", columns="read", values="share", fill_value=0)
    grid = grid.reindex(index=wrong.index[:CONFUSED], columns=columns, fill_value=0)
    drawn = axis.imshow(grid, cmap=SEQUENTIAL, vmin=0, vmax=1, aspect="auto")
    axis.set_yticks(range(grid.shape[0]), grid.index, fontsize=7, family="monospace")
    axis.set_xticks(range(grid.shape[1]), grid.columns, rotation=45, ha="right", fontsize=7, family="monospace")
    axis.set(xlabel="read as", ylabel="masked k-mer", title=f"The k-mers that block {last:g} reads wrong most often")
    figure.colorbar(drawn, ax=axis, label="share of its readings", pad=0.02, aspect=25)


def _draw_clusters(axis: Axes, rows: pd.DataFrame) -> None:
    shown = rows[(rows["statistic"] == "matched_share") & ~rows["mutual"].astype(bool)]
    if not shown["high"].max() > 0:
        axis.axis("off")
        axis.text(0.5, 0.5, "No k-mer is in a cluster\nof strong matches.", transform=axis.transAxes, ha="center")
        return
    for number, ((tau, of), colour, marker) in enumerate(zip(shown.groupby("tau"), COLOURS, MARKERS, strict=False)):
        errors = [(of["value"] - of["low"]).fillna(0), (of["high"] - of["value"]).fillna(0)]
        style = {"color": colour, "marker": marker, "markersize": 4, "linewidth": 1.2, "elinewidth": 0.8}
        axis.errorbar(of["block"] + 0.12 * number, of["value"], errors, label=f"tau {tau:g}", **style)
    axis.set(xlabel=BLOCK, ylabel="share of the k-mers", title="In clusters of strong matches")
    axis.set_ylim(0, max(0.01, 1.1 * shown["high"].max()))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(fontsize=7, ncols=2, **BELOW)
