"""Figure of the vector norms by layer with their bounds, and values against the attention they receive."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from spikegeometry.figures.style import (
    CYAN,
    DIVERGING,
    GREY,
    INDIGO,
    INK,
    LIME,
    RED,
    SEQUENTIAL,
    VIOLET,
    new_figure,
    note_missing,
)

ALL_CLASSES = "all"
SITES = {"X": "Inputs X", "Q": "Queries Q", "K": "Keys K", "V": "Values V", "Z": "Head outputs Z"}
SPECIAL = {0: ("[CLS]", "o", RED), -1: ("[SEP]", "s", INDIGO)}
SHARES = {
    "Q": ("Q", CYAN, "o"),
    "K": ("K", LIME, "s"),
    "V": ("V", VIOLET, "^"),
    "Z": ("Z", RED, "v"),
}
SHARES |= {"S": ("largest score", INK, "D")}
VIOLIN_COLOUR = "#88CCEE"
# Heads of which a map has room for the numbers, and the least attention that is drawn as what it is.
NUMBERS_ACROSS = 8
FLOOR = 1e-4


def draw_vector_norms(table: pd.DataFrame, tokens: pd.DataFrame, chosen: list[str]) -> Figure:
    """Violins of the norms of each kind of vector, shares of the bounds, and values against attention received.

    `table`: class, layer, head, site, variant, statistic, value, n; `tokens`: layer, site, head, token, value, the
    mean norm of each token; `chosen`: the classes that were asked for.
    """
    everything = table[(table["class"] == ALL_CLASSES) & (table["variant"] == "all")]
    figure, axes = new_figure(10, 9.5 + 0.12 * everything["layer"].nunique(), 3, 3)
    for axis, (site, title) in zip(axes.flat, SITES.items(), strict=False):
        _draw_norms(axis, tokens[tokens["site"] == site], everything[everything["site"] == site])
        axis.set_title(title)
    _draw_shares(axes[1, 2], everything[everything["statistic"] == "bound_share"])
    _draw_attention(figure, axes[2, 0], tokens)
    of_values = table[(table["class"] == ALL_CLASSES) & (table["site"] == "V")]
    _draw_correlations(figure, axes[2, 1], of_values[of_values["variant"] == "without_special"])
    axes[2, 2].axis("off")
    marks = [_special(number) for number in SPECIAL]
    bound = Line2D([], [], color=INK, linewidth=1.5, label="bound, mean over tokens and heads")
    violin = Patch(facecolor=VIOLIN_COLOUR, label="k-mers of all heads, with median")
    axes[2, 2].legend(handles=[violin, *marks, bound], loc="center", title="norms")
    note = note_missing(chosen, table["class"])
    figure.suptitle(f"Norms of vectors by layer, n = {everything['n'].max()} distinct sequences{note}")
    return figure


def _special(number: int) -> Line2D:
    name, marker, colour = SPECIAL[number]
    return Line2D([], [], linestyle="", marker=marker, color=colour, markersize=6, markeredgecolor="white", label=name)


def _draw_norms(axis: Axes, tokens: pd.DataFrame, rows: pd.DataFrame) -> None:
    """A violin a layer over the k-mers of all heads, with [CLS] and [SEP] (mean over heads) and the bound."""
    kmers = tokens[~tokens["token"].isin(list(SPECIAL))]
    groups = {layer: group["value"].to_numpy() for layer, group in kmers.groupby("layer")}
    parts = axis.violinplot(list(groups.values()), list(groups), widths=0.8, showextrema=False, showmedians=True)
    for body in parts["bodies"]:
        body.set(facecolor=VIOLIN_COLOUR, alpha=1)
    parts["cmedians"].set(color=CYAN, linewidth=1)
    for number in SPECIAL:
        means = tokens[tokens["token"] == number].groupby("layer")["value"].mean()
        mark = _special(number)
        mark.set_data(means.index, means)
        axis.add_line(mark)
    bounds = rows[rows["statistic"] == "bound"].groupby("layer")["value"].mean()
    axis.hlines(bounds, bounds.index - 0.4, bounds.index + 0.4, color=INK, linewidth=1.5)
    axis.set(xlabel="layer", ylabel="norm", ylim=(0, 1.08 * np.fmax(tokens["value"].max(), bounds.max())))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))


def _draw_shares(axis: Axes, rows: pd.DataFrame) -> None:
    for site, (label, colour, marker) in SHARES.items():
        means = rows[rows["site"] == site].groupby("layer")["value"].mean()
        axis.plot(means.index, means, color=colour, marker=marker, markersize=4, linewidth=1.2, label=label)
    axis.set(title="Share of the bound that is used", xlabel="layer", ylabel="share, mean over heads", ylim=(0, 1))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=5, fontsize=7, handlelength=1, columnspacing=0.8)


def _draw_attention(figure: Figure, axis: Axes, tokens: pd.DataFrame) -> None:
    """Each token of each head: mean norm of its value against the mean attention that it receives."""
    wide = tokens[tokens["site"].isin(["V", "A"])].pivot(
        index=["layer", "head", "token"], columns="site", values="value"
    )
    wide = wide.reset_index().assign(A=lambda rows: rows["A"].clip(lower=FLOOR))
    layers = np.sort(wide["layer"].unique())
    colours = BoundaryNorm(np.arange(layers[0], layers[-1] + 2) - 0.5, colormaps[SEQUENTIAL].N)
    style = {"cmap": SEQUENTIAL, "norm": colours}
    kmers = wide[~wide["token"].isin(list(SPECIAL))]
    drawn = axis.scatter(kmers["V"], kmers["A"], c=kmers["layer"], s=3, linewidth=0, rasterized=True, **style)
    for number, (_, marker, colour) in SPECIAL.items():
        of_token = wide[wide["token"] == number]
        axis.scatter(of_token["V"], of_token["A"], color=colour, marker=marker, s=30, edgecolor="white", linewidth=0.5)
    axis.axhline(1, color=GREY, linewidth=1)
    axis.set(yscale="log", xlabel="mean norm of the value", ylabel="attention received (uniform: 1)")
    axis.set_title("Each token of each head")
    figure.colorbar(drawn, ax=axis, label="layer", ticks=MaxNLocator(integer=True), pad=0.02, aspect=25)


def _draw_correlations(figure: Figure, axis: Axes, rows: pd.DataFrame) -> None:
    found = rows[rows["statistic"] == "attention_correlation"]
    grid = found.pivot_table(index="layer", columns="head", values="value")
    # A head of exactly uniform attention has no correlation: its cell stays empty.
    grid = grid.reindex(index=sorted(rows["layer"].unique()), columns=sorted(rows["head"].unique()))
    drawn = axis.imshow(grid, cmap=DIVERGING, vmin=-1, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(grid.to_numpy()) if grid.shape[1] <= NUMBERS_ACROSS else ():
        label = "" if np.isnan(value) else "0" if abs(value) < 0.05 else f"{value:.1f}"
        text = axis.text(column, row, label, ha="center", va="center", size=8)
        text.set_path_effects([withStroke(linewidth=2, foreground="white")])
    axis.set_yticks(range(grid.shape[0]), [f"{layer:g}" for layer in grid.index])
    step = -(-grid.shape[1] // NUMBERS_ACROSS)
    axis.set_xticks(range(0, grid.shape[1], step), [f"{head:g}" for head in grid.columns[::step]])
    axis.set(xlabel="head", ylabel="layer", title="Correlation of the two, k-mers")
    figure.colorbar(drawn, ax=axis, label="Spearman's correlation", pad=0.02, aspect=25)
