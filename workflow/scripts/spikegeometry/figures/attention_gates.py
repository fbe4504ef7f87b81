"""Figure of the attention gates: the name of each head, its place between three extremes, and the names by layer."""

from collections import defaultdict

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Polygon, Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from spikegeometry.figures.style import GREY, SEQUENTIAL, new_figure, note_missing

ALL_CLASSES = "all"
# Paul Tol's "bright" scheme, told apart under the common kinds of colour blindness.
COLOURS = {
    "vertical": "#EE6677",
    "diffuse": "#CCBB44",
    "self": "#222222",
    "bwd": "#4477AA",
    "fwd": "#66CCEE",
    "cluster": "#228833",
    "instance": "#AA3377",
    "heterogeneous": "#BBBBBB",
    "undefined": "#FFFFFF",
}
VARIANTS = {"raw": "all tokens", "kmers": "k-mers alone"}
# Corners of the simplex: place, and what a head does there.
CORNERS = {
    "colconc": ((0, 0), "same keys for\nevery query"),
    "mi": ((1, 0), "own keys for\neach query"),
    "hrow": ((0.5, 3**0.5 / 2), "all keys alike"),
}


def draw_attention_gates(table: pd.DataFrame, chosen: list[str], names: dict[str, str]) -> Figure:
    """Names of all heads, the simplex of their entropies, and the names by layer, over the sequences of all classes.

    `table`: class, layer, head, variant, label, statistic, value, n; `chosen`: the classes that were asked for;
    `names`: the paper's names of the patterns, for the legend.
    """
    everything = table[table["class"] == ALL_CLASSES]
    layers = sorted(everything["layer"].unique())
    mosaic = 1 + 0.34 * len(layers)
    figure, axes = new_figure(10, mosaic + 5, 2, 2, height_ratios=[mosaic, 3.8])
    for axis, (variant, title) in zip(axes[0], VARIANTS.items(), strict=True):
        _draw_mosaic(axis, everything[everything["variant"] == variant])
        axis.set_title(f"Most frequent name, {title}")
    _draw_simplex(figure, axes[1, 0], everything[everything["variant"] == "kmers"])
    axes[1, 0].set_title(f"Each head between three extremes, {VARIANTS['kmers']}")
    shares = everything[everything["statistic"] == "share"]
    _draw_layers(axes[1, 1], shares)

    found = {part for label in shares["label"] for part in label.split("+")}
    handles = [
        Patch(facecolor=colour, edgecolor=GREY, label=f"{name}: {names[name]}" if name in names else name)
        for name, colour in COLOURS.items()
        if name in names or name in found
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    note = note_missing(chosen, table["class"])
    figure.suptitle(f"Attention patterns of the heads, n = {everything['n'].max()} distinct sequences{note}")
    return figure


def _draw_mosaic(axis: Axes, rows: pd.DataFrame) -> None:
    """One cell a head in the colours of its most frequent name; stronger where more sequences agree.

    A name of two patterns halves the cell, the stronger pattern above; a third halves the second's half. The number is
    the mean score of the strongest.
    """
    shares = rows[rows["statistic"] == "share"].sort_values(["value", "label"], ascending=[False, True])
    scores = rows[rows["statistic"] != "share"].set_index(["layer", "head", "statistic"])["value"].to_dict()
    modal = shares.drop_duplicates(["layer", "head"])
    for layer, head, label, share in modal[["layer", "head", "label", "value"]].itertuples(index=False):
        first, *others = label.split("+")
        left, right, top, bottom = head - 0.5, head + 0.5, layer - 0.5, layer + 0.5
        style = {"alpha": 0.25 + 0.75 * share, "linewidth": 0}
        axis.add_patch(Rectangle((left, top), 1, 1, facecolor=COLOURS[first], **style))
        for pattern, corner in zip(others, ((right, top), (head, layer)), strict=False):
            part = [corner, (right, bottom), (left, bottom)]
            axis.add_patch(Polygon(part, facecolor="white", linewidth=0))
            axis.add_patch(Polygon(part, facecolor=COLOURS[pattern], **style))
        if (layer, head, first) in scores:
            score = f"{scores[layer, head, first]:.2f}".removeprefix("0")
            text = axis.text(head, layer, score, ha="center", va="center", size=8)
            text.set_path_effects([withStroke(linewidth=2, foreground="white")])
    layers, heads = sorted(modal["layer"].unique()), sorted(modal["head"].unique())
    axis.set(xlim=(heads[0] - 0.5, heads[-1] + 0.5), ylim=(layers[-1] + 0.5, layers[0] - 0.5))
    axis.set(xlabel="head", ylabel="layer", xticks=heads, yticks=layers)


def _draw_simplex(figure: Figure, axis: Axes, rows: pd.DataFrame) -> None:
    """Mean shares of the three entropies of each head as a point in a triangle."""
    values = rows.pivot_table(index=["layer", "head"], columns="statistic", values="value")[list(CORNERS)]
    places = np.array([place for place, _ in CORNERS.values()])
    points = values.to_numpy() @ places
    layers = values.index.get_level_values("layer")
    edges = np.arange(layers.min(), layers.max() + 2) - 0.5
    colours = BoundaryNorm(edges, colormaps[SEQUENTIAL].N)
    axis.add_patch(Polygon(places, fill=False, edgecolor=GREY))
    for third in (0.25, 0.5, 0.75):
        for one, other, last in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
            ends = third * places[one] + (1 - third) * places[[other, last]]
            axis.plot(*ends.T, color="#DDDDDD", linewidth=0.7, zorder=0)
    drawn = axis.scatter(*points.T, c=layers, cmap=SEQUENTIAL, norm=colours, edgecolor="white", linewidth=0.4, s=36)
    for (x, y), text in CORNERS.values():
        axis.annotate(
            text, (x, y), (0, 4 if y else -4), textcoords="offset points", ha="center", va="bottom" if y else "top"
        )
    axis.set(aspect="equal", xlim=(-0.15, 1.15), ylim=(-0.16, 1.02))
    axis.axis("off")
    figure.colorbar(drawn, ax=axis, label="layer", ticks=MaxNLocator(integer=True), shrink=0.8)


def _draw_layers(axis: Axes, shares: pd.DataFrame) -> None:
    """Heads of each name by layer, averaged over sequences; a name of several counts in equal parts for each."""
    heads: defaultdict[tuple[str, str, int], float] = defaultdict(float)
    for layer, variant, label, share in shares[["layer", "variant", "label", "value"]].itertuples(index=False):
        parts = label.split("+")
        for part in parts:
            heads[variant, part, layer] += share / len(parts)
    layers = np.array(sorted(shares["layer"].unique()))
    for variant, offset in {"raw": -0.2, "kmers": 0.2}.items():
        bottom = np.zeros(len(layers))
        for pattern, colour in COLOURS.items():
            height = np.array([heads[variant, pattern, layer] for layer in layers])
            axis.bar(layers + offset, height, 0.36, bottom, color=colour, edgecolor=GREY, linewidth=0.4)
            bottom += height
    axis.set(xlabel="layer", ylabel="heads", xticks=layers)
    axis.yaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set_title(f"Names by layer: left {VARIANTS['raw']}, right {VARIANTS['kmers']}")
