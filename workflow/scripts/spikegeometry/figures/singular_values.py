"""Figure of the singular values: ranks of every head, how they are spread, and effective ranks by layer."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from spikegeometry.figures.style import SEQUENTIAL, new_figure, note_missing

ALL_CLASSES = "all"
SITES = {
    "A": "attention A",
    "V": "values V",
    "Z": "head outputs Z",
    "W_v": r"value weights $W_v$",
    "Y": "layer output Y",
}
# Digits that have room side by side across a map of ranks.
DIGITS_ACROSS = 28
LINES = {
    "A": ("#4477AA", "o"),
    "V": ("#228833", "s"),
    "Z": ("#EE6677", "^"),
    "W_v": ("#AA3377", "D"),
    "Y": ("#222222", "v"),
}


def draw_singular_values(table: pd.DataFrame, histograms: pd.DataFrame, chosen: list[str], threshold: float) -> Figure:
    """For each kind of matrix its rank by layer and head above the spread of its singular values by layer.

    `table`: class, layer, head, site, statistic, value, n; `histograms`: class, layer, site, up_to, value; `chosen`:
    the classes that were asked for; `threshold`: share of the largest singular value from which the ranks count.
    """
    everything = table[table["class"] == ALL_CLASSES]
    spread = histograms[histograms["class"] == ALL_CLASSES]
    layers = sorted(everything["layer"].unique())
    edges = np.arange(layers[0], layers[-1] + 2) - 0.5
    colours = ScalarMappable(BoundaryNorm(edges, colormaps[SEQUENTIAL].N), SEQUENTIAL)
    map_height = 0.9 + 0.26 * len(layers)
    figure, axes = new_figure(10, 2 * map_height + 4.8, 4, 3, height_ratios=[map_height, 2.2, map_height, 2.2])
    for place, (site, title) in enumerate(SITES.items()):
        upper, column = 2 * (place // 3), place % 3
        of_site = everything[everything["site"] == site]
        _draw_ranks(figure, axes[upper, column], of_site)
        axes[upper, column].set_title(f"Rank of {title}")
        _draw_spread(axes[upper + 1, column], spread[spread["site"] == site], colours, threshold)
    _draw_effective_ranks(axes[2, 2], everything)
    axes[3, 2].axis("off")
    axes[3, 2].legend(*axes[2, 2].get_legend_handles_labels(), loc="lower center", ncols=2, title="effective rank of")
    bar = axes[3, 2].inset_axes([0, 0.85, 1, 0.08])
    ticks = MaxNLocator(integer=True)
    figure.colorbar(colours, cax=bar, label="layer, in the histograms", ticks=ticks, orientation="horizontal")
    note = note_missing(chosen, table["class"])
    counts = everything.loc[everything["site"] != "W_v", "n"]
    figure.suptitle(
        rf"Singular values $\sigma$; ranks count those above {threshold:g} of the largest, "
        f"mean over n = {counts.max():g} distinct sequences{note}"
    )
    return figure


def _draw_ranks(figure: Figure, axis: Axes, rows: pd.DataFrame) -> None:
    """Rank by layer and head, or by layer alone, with the number in each cell if it is wide enough."""
    ranks = rows[rows["statistic"] == "relative_rank"].fillna({"head": 0})
    grid = ranks.pivot_table(index="layer", columns="head", values="value")
    drawn = axis.pcolormesh(np.arange(grid.shape[1] + 1), np.arange(grid.shape[0] + 1), grid, cmap=SEQUENTIAL, vmin=0)
    digits = len(f"{grid.to_numpy().max():.0f}")
    for (row, column), rank in np.ndenumerate(grid.to_numpy()) if digits * grid.shape[1] <= DIGITS_ACROSS else ():
        text = axis.text(column + 0.5, row + 0.5, f"{rank:.0f}", ha="center", va="center", size=8)
        text.set_path_effects([withStroke(linewidth=2, foreground="white")])
    axis.invert_yaxis()
    axis.set_yticks(np.arange(grid.shape[0]) + 0.5, [f"{layer:g}" for layer in grid.index])
    heads = [f"{head:g}" for head in grid.columns] if grid.columns[0] else []
    axis.set_xticks(np.arange(len(heads)) + 0.5, heads)
    axis.set(xlabel="head" if heads else "", ylabel="layer")
    figure.colorbar(drawn, ax=axis, pad=0.02, aspect=25)


def _draw_spread(axis: Axes, rows: pd.DataFrame, colours: ScalarMappable, threshold: float) -> None:
    """Share of the singular values in each bin, a line a layer; to the left, what float32 does not tell from zero."""
    edges = np.sort(rows["up_to"].unique())
    zero = edges[1] / 3
    middles = edges[1:] * np.sqrt(edges[1] / edges[2])
    for layer, shares in rows.groupby("layer"):
        heights = shares.sort_values("up_to")["value"].to_numpy()
        axis.plot(middles, heights[1:], color=colours.to_rgba(layer), linewidth=1.2)
        axis.plot(zero, heights[0], "o", color=colours.to_rgba(layer), markersize=4, clip_on=False)
    axis.axvline(threshold, color="#888888", linestyle="--", linewidth=1)
    axis.set(xscale="log", xlabel=r"$\sigma / \sigma_1$", ylabel="share of singular values")
    # Roots of the shares, because the zeros can be many times what a single bin holds.
    axis.set_yscale("function", functions=(lambda share: np.sqrt(np.clip(share, 0, None)), np.square))
    axis.set_ylim(0, None)
    decades = 10.0 ** np.arange(np.ceil(np.log10(edges[1])), 1, 2)
    axis.set_xticks([zero, *decades], ["0", *(f"$10^{{{np.log10(decade):.0f}}}$" for decade in decades)])
    axis.minorticks_off()


def _draw_effective_ranks(axis: Axes, everything: pd.DataFrame) -> None:
    ranks = everything[everything["statistic"] == "effective_rank"]
    for site, (colour, marker) in LINES.items():
        means = ranks[ranks["site"] == site].groupby("layer")["value"].mean()
        axis.plot(
            means.index,
            means,
            color=colour,
            marker=marker,
            markersize=4,
            linewidth=1.2,
            label=site.replace("W_v", "$W_v$"),
        )
    axis.set(title="Effective rank, mean over heads", xlabel="layer", ylabel="effective rank", yscale="log")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
