"""Figure of the singular values: ranks by layer and head, and how they are spread."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure, SubFigure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from spikegeometry.figures.style import CYAN, GREY, INK, LIME, RED, SEQUENTIAL, VIOLET, new_figure, note_missing

ALL_CLASSES = "all"
SITES = {
    "A": ("attention A", CYAN, "o"),
    "V": ("values V", LIME, "s"),
    "Z": ("head outputs Z", RED, "^"),
    "W_v": (r"value weights $W_v$", VIOLET, "D"),
    "Y": ("layer output Y", INK, "v"),
}
RANKS = {"relative_rank": "Rank", "effective_rank": "Effective rank"}
# What differs from head to head: what each does to the values.
MAPPED = ("A", "Z")
# Heads whose effective ranks differ by less than this share are alike: a map of them would be of one colour.
LEAST_SPREAD = 0.05
# Digits that have room side by side across a map of ranks.
DIGITS_ACROSS = 28


def draw_singular_values(table: pd.DataFrame, histograms: pd.DataFrame, chosen: list[str], threshold: float) -> Figure:
    """Ranks of each kind of matrix by layer, effective ranks by head, and the spread of singular values by layer.

    `table`: class, layer, head, site, statistic, value, n; `histograms`: class, layer, site, up_to, value; `chosen`:
    the classes that were asked for; `threshold`: share of the largest singular value from which the ranks count.
    """
    everything = table[table["class"] == ALL_CLASSES]
    spread = histograms[histograms["class"] == ALL_CLASSES]
    layers = sorted(everything["layer"].unique())
    edges = np.arange(layers[0], layers[-1] + 2) - 0.5
    colours = ScalarMappable(BoundaryNorm(edges, colormaps[SEQUENTIAL].N), SEQUENTIAL)
    map_height = 1 + 0.26 * len(layers)
    figure, axis = new_figure(10, map_height + 7.6)
    axis.remove()
    above, middle, below = figure.subfigures(3, 1, height_ratios=[2.9, map_height, 4.7])
    panels = above.subplots(1, len(RANKS))
    for axis, (statistic, title) in zip(panels, RANKS.items(), strict=True):
        alike = _draw_ranks(axis, everything[everything["statistic"] == statistic])
        axis.set_title(
            f"{title}: a head a point, mean as a line" + (f"\nthe same everywhere: {alike}" if alike else "")
        )
        axis.set_ylabel(title.lower())
    above.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(SITES))
    ranks = everything[everything["statistic"] == "effective_rank"]
    for axis, site in zip(middle.subplots(1, len(MAPPED)), MAPPED, strict=True):
        _draw_map(middle, axis, ranks[ranks["site"] == site])
        axis.set_title(f"Effective rank of {SITES[site][0]}")
    axes = below.subplots(2, 3)
    for axis, (site, (title, *_)) in zip(axes.flat, SITES.items(), strict=False):
        _draw_spread(axis, spread[spread["site"] == site], colours, threshold)
        axis.set_title(f"Spread: {title}")
    axes[1, 2].axis("off")
    bar = axes[1, 2].inset_axes([0, 0.5, 1, 0.12])
    ticks = MaxNLocator(integer=True)
    below.colorbar(colours, cax=bar, label="layer, in the spreads", ticks=ticks, orientation="horizontal")
    note = note_missing(chosen, table["class"])
    counts = everything.loc[everything["site"] != "W_v", "n"]
    figure.suptitle(
        rf"Singular values $\sigma$; ranks count those above {threshold:g} of the largest, "
        f"mean over n = {counts.max():g} distinct sequences{note}"
    )
    return figure


def _draw_ranks(axis: Axes, ranks: pd.DataFrame) -> str:
    """Ranks by layer, a point a head and their mean as a line; returns what has one rank in all layers and heads."""
    alike = []
    for place, (site, (label, colour, marker)) in enumerate(SITES.items()):
        rows = ranks[ranks["site"] == site]
        beside = 0.3 * ((place + 0.5) / len(SITES) - 0.5)
        axis.plot(rows["layer"] + beside, rows["value"], ".", color=colour, alpha=0.6, markersize=5)
        means = rows.groupby("layer")["value"].mean()
        axis.plot(means.index + beside, means, color=colour, marker=marker, markersize=4, linewidth=1.2, label=label)
        if rows["value"].round().nunique() == 1:
            alike.append(f"{site.replace('W_v', '$W_v$')} {rows['value'].iloc[0]:.0f}")
    axis.set(xlabel="layer", yscale="log", ylim=(0.8, 1.5 * ranks["value"].max()))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    return ", ".join(alike)


def _draw_map(figure: SubFigure, axis: Axes, rows: pd.DataFrame) -> None:
    """The value by layer and head, as a number in each cell that is wide enough; a line of text if all are alike."""
    grid = rows.pivot_table(index="layer", columns="head", values="value")
    low, high = grid.min(axis=None), grid.max(axis=None)
    if high - low < LEAST_SPREAD * high:
        axis.axis("off")
        axis.text(0.5, 0.5, f"{low:.3g} to {high:.3g} in every head: no map", ha="center", transform=axis.transAxes)
        return
    drawn = axis.pcolormesh(np.arange(grid.shape[1] + 1), np.arange(grid.shape[0] + 1), grid, cmap=SEQUENTIAL)
    digits = len(f"{high:.0f}")
    for (row, column), rank in np.ndenumerate(grid.to_numpy()) if digits * grid.shape[1] <= DIGITS_ACROSS else ():
        text = axis.text(column + 0.5, row + 0.5, f"{rank:.0f}", ha="center", va="center", size=8)
        text.set_path_effects([withStroke(linewidth=2, foreground="white")])
    axis.invert_yaxis()
    for set_ticks, labels in ((axis.set_xticks, grid.columns), (axis.set_yticks, grid.index)):
        set_ticks(np.arange(len(labels)) + 0.5, [f"{label:g}" for label in labels])
    axis.set(xlabel="head", ylabel="layer")
    figure.colorbar(drawn, ax=axis, pad=0.02, aspect=25, label="effective rank")


def _draw_spread(axis: Axes, rows: pd.DataFrame, colours: ScalarMappable, threshold: float) -> None:
    """Share of the singular values in each bin, a line a layer; to the left, what float32 does not tell from zero."""
    edges = np.sort(rows["up_to"].unique())
    zero = edges[1] / 3
    middles = edges[1:] * np.sqrt(edges[1] / edges[2])
    for layer, shares in rows.groupby("layer"):
        heights = shares.sort_values("up_to")["value"].to_numpy()
        axis.plot(middles, heights[1:], color=colours.to_rgba(layer), linewidth=1.2)
        axis.plot(zero, heights[0], "o", color=colours.to_rgba(layer), markersize=4, clip_on=False)
    axis.axvline(threshold, color=GREY, linestyle="--", linewidth=1)
    axis.set(xscale="log", xlabel=r"$\sigma / \sigma_1$", ylabel="share of singular values")
    # Roots of the shares, because the zeros can be many times what a single bin holds.
    axis.set_yscale("function", functions=(lambda share: np.sqrt(np.clip(share, 0, None)), np.square))
    axis.set_ylim(0, None)
    decades = 10.0 ** np.arange(np.ceil(np.log10(edges[1])), 1, 2)
    axis.set_xticks([zero, *decades], ["0", *(f"$10^{{{np.log10(decade):.0f}}}$" for decade in decades)])
    axis.minorticks_off()
