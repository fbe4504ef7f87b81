"""Figure of how widely attention is spread: metastable sizes, entropies by layer, the paper's, and along the gene."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from spikegeometry.figures.style import CYAN, GREY, INK, SEQUENTIAL, new_figure, note_missing

ALL_CLASSES = "all"
REGIMES = {
    "small": ("small: up to 1/16 of the keys", "#88CCEE"),
    "medium": ("medium: up to 1/4", "#44AA99"),
    "large": ("large: up to 1/2", "#DDCC77"),
    "global": ("global averaging: more", "#CC6677"),
    "undefined": ("undefined", "#BBBBBB"),
}
VARIANTS = {"raw": ("all tokens", "o", INK, -0.12), "kmers": ("k-mers alone", "^", CYAN, 0.12)}


def draw_attention_entropy(
    table: pd.DataFrame,
    sequences: pd.DataFrame,
    tokens: pd.DataFrame,
    sizes: pd.DataFrame,
    chosen: list[str],
    mass: float,
) -> Figure:
    """Violins of the metastable sizes of all heads, entropies by layer, and row entropy along the sequence.

    `table`: class, layer, head, variant, regime, statistic, value, n; `sequences`: the measurements behind it;
    `tokens`: class, layer, token, value; `sizes`: class, layer, head, share (upper border of a bin of shares of the
    keys), value (share of the queries in it); `chosen`: the classes that were asked for; `mass`: what the keys counted
    by a size hold of a query's attention.
    """
    everything = table[table["class"] == ALL_CLASSES]
    layers = everything["layer"].nunique()
    violins, profile = 1.2 + 0.46 * layers, 1.2 + 0.16 * layers
    figure, axes = new_figure(
        10, 5.4 + violins + profile, 3, 2, height_ratios=[violins, 3.6, profile], width_ratios=[1.35, 1]
    )
    raw = everything[everything["variant"] == "raw"]
    single = sequences[sequences["variant"] == "raw"].drop_duplicates(["input", "layer", "head"])
    medians = single.groupby(["layer", "head"])["k_median"].median()
    _draw_violins(axes[0, 0], raw, medians, sizes[sizes["class"] == ALL_CLASSES])
    axes[0, 0].set_title(f"Keys that hold {mass:g} of each query's attention")
    _draw_layers(axes[0, 1], everything, "H_norm")
    axes[0, 1].set(title="Row entropy of each head, and the mean", ylabel="mean row entropy / ln n")
    _draw_layers(axes[1, 0], everything, "vn_norm")
    axes[1, 0].set(title="Von Neumann entropy of each head, and the mean", ylabel="Von Neumann entropy / ln n")
    _draw_paper(figure, axes[1, 1], table[table["variant"] == "class_mean"], tokens["token"].max() + 2)
    for axis in axes[2]:
        axis.remove()
    wide = figure.add_subplot(axes[2, 0].get_gridspec()[2, :])
    _draw_profile(figure, wide, tokens[tokens["class"] == ALL_CLASSES])

    handles = [Patch(color=colour, label=label) for label, colour in REGIMES.values()][: len(REGIMES) - 1]
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=4,
        title="regime of a head, by the median query",
        title_fontsize=8,
    )
    note = note_missing(chosen, table["class"])
    figure.suptitle(f"How widely attention is spread, n = {raw['n'].max()} distinct sequences{note}")
    return figure


def _draw_violins(axis: Axes, rows: pd.DataFrame, medians: pd.Series, sizes: pd.DataFrame) -> None:
    """One cell a head: how many queries need which share of the keys, none at its foot and all at its top.

    The number is the median number of keys in the median sequence, the colour the most frequent regime.
    """
    shares = rows[rows["statistic"] == "share"].sort_values(["value", "regime"], ascending=[False, True])
    regimes = shares.drop_duplicates(["layer", "head"]).set_index(["layer", "head"])["regime"]
    for (layer, head), bins in sizes.sort_values("share").groupby(["layer", "head"]):
        width = 0.42 * bins["value"].to_numpy() / bins["value"].max()
        edges = np.append(0, bins["share"].to_numpy())
        height = layer + 0.42 - 0.84 * edges
        outline = np.append(width, width[-1])
        colour = REGIMES[regimes[layer, head]][1]
        axis.fill_betweenx(
            height, head - outline, head + outline, step="post", where=outline > 0, color=colour, linewidth=0.8
        )
        text = axis.text(head + 0.47, layer + 0.2, f"{medians[layer, head]:.0f}", ha="right", va="center", size=8)
        text.set_path_effects([withStroke(linewidth=2, foreground="white")])
    layers, heads = sorted(sizes["layer"].unique()), sorted(sizes["head"].unique())
    for border in np.arange(layers[0] + 0.5, layers[-1]):
        axis.axhline(border, color="#DDDDDD", linewidth=0.8, zorder=0)
    axis.set(xlim=(heads[0] - 0.5, heads[-1] + 0.5), ylim=(layers[-1] + 0.5, layers[0] - 0.5))
    axis.set(xlabel="head", ylabel="layer", xticks=heads, yticks=layers)


def _draw_layers(axis: Axes, rows: pd.DataFrame, statistic: str) -> None:
    """One dot a head by layer, and the mean over heads as a line."""
    for variant, (label, marker, colour, offset) in VARIANTS.items():
        values = rows[(rows["variant"] == variant) & (rows["statistic"] == statistic)]
        if len(values):
            axis.plot(values["layer"] + offset, values["value"], marker, color=colour, alpha=0.45, markersize=4)
            means = values.groupby("layer")["value"].mean()
            axis.plot(means.index + offset, means, color=colour, marker=marker, markersize=4, label=label)
    axis.set(xlabel="layer", ylim=(0, 1.03))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=2)


def _draw_paper(figure: Figure, axis: Axes, rows: pd.DataFrame, n: int) -> None:
    """Von Neumann entropy and the paper's variant of the mean maps of the classes, one dot a head and class.

    No entropy of n keys is above ln n.
    """
    points = rows.pivot_table(index=["class", "layer", "head"], columns="statistic", values="value").reset_index()
    drawn = axis.scatter(points["vn"], points["vn_original"], c=points["layer"], cmap=SEQUENTIAL, s=14, alpha=0.8)
    bound = np.log(n)
    axis.plot([0, bound], [0, bound], color=GREY, linewidth=1, label="both equal")
    axis.axhline(bound, color=GREY, linewidth=1, linestyle="--", label=f"ln n = {bound:.2f}, the most of an entropy")
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=1)
    axis.set(
        title="Mean maps of the classes",
        xlabel="Von Neumann entropy, nats",
        ylabel="the paper's variant",
        ylim=(0, None),
    )
    figure.colorbar(drawn, ax=axis, label="layer", ticks=MaxNLocator(integer=True))


def _draw_profile(figure: Figure, axis: Axes, tokens: pd.DataFrame) -> None:
    """Row entropy of each token's query by layer, averaged over heads and sequences."""
    grid = tokens.pivot_table(index="layer", columns="token", values="value")
    drawn = axis.pcolormesh(grid.columns, grid.index, grid, cmap=SEQUENTIAL, shading="nearest", rasterized=True)
    axis.set(xlabel="token of the query (0 is [CLS], -1 [SEP])", ylabel="layer", yticks=grid.index)
    axis.set_title("Row entropy along the sequence, mean over heads")
    axis.invert_yaxis()
    figure.colorbar(drawn, ax=axis, label="row entropy / ln n", pad=0.01)
