"""Figure of the roles of the heads: the most frequent role of each, the roles by layer, and what special tokens get."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import LogLocator, MaxNLocator

from spikegeometry.figures.style import CYAN, GREY, INDIGO, INK, LIME, RED, new_figure, note_missing

ALL_CLASSES = "all"
# Paul Tol's "bright" scheme, told apart under the common kinds of colour blindness.
COLOURS = {
    "vertical": "#EE6677",
    "diagonal": "#4477AA",
    "vertical+diagonal": "#AA3377",
    "block": "#228833",
    "heterogeneous": "#BBBBBB",
    "undefined": "#FFFFFF",
}
VARIANTS = {"raw": "all tokens", "kmers": "k-mers alone"}
TARGETS = {
    "to_cls": ("to [CLS]", CYAN, "o"),
    "to_sep": ("to [SEP]", RED, "s"),
    "to_self": ("to itself", INK, "D"),
    "to_prev": ("to the token before", INDIGO, "<"),
    "to_next": ("to the token after", LIME, ">"),
}
MAX_TICKS = 12


def draw_attention_roles(table: pd.DataFrame, chosen: list[str]) -> Figure:
    """Over the sequences of all classes, with all tokens and with the k-mers alone.

    `table`: class, layer, head, variant, role, statistic, value, n, low, high; `chosen`: the classes that were asked
    for.
    """
    everything = table[table["class"] == ALL_CLASSES]
    mosaic = 1 + 0.34 * everything["layer"].nunique()
    figure, axes = new_figure(10, mosaic + 4.6, 2, 6, height_ratios=[mosaic, 3.4])
    grid = axes[0, 0].get_gridspec()
    for axis in axes.flat:
        axis.remove()
    for place, (variant, title) in zip((slice(0, 3), slice(3, 6)), VARIANTS.items(), strict=True):
        axis = figure.add_subplot(grid[0, place])
        _draw_mosaic(axis, everything[(everything["statistic"] == "modal_share") & (everything["variant"] == variant)])
        axis.set_title(f"Most frequent role and its share of sequences, {title}")
    of_layers = everything[everything["head"].isna()]
    for place, (variant, title) in zip((slice(0, 2), slice(2, 4)), VARIANTS.items(), strict=True):
        axis = figure.add_subplot(grid[1, place])
        _draw_layers(axis, of_layers[(of_layers["statistic"] == "heads") & (of_layers["variant"] == variant)])
        axis.set_title(f"Roles by layer, {title}")
    _draw_targets(figure.add_subplot(grid[1, 4:]), of_layers)

    found = set(everything["role"])
    handles = [
        Patch(facecolor=colour, edgecolor=GREY, label=role)
        for role, colour in COLOURS.items()
        if role != "undefined" or role in found
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    note = note_missing(chosen, table["class"])
    figure.suptitle(f"Roles of the attention heads, n = {everything['n'].max():g} distinct sequences{note}")
    return figure


def _draw_mosaic(axis: Axes, modal: pd.DataFrame) -> None:
    """One cell a head in the colour of its most frequent role; stronger where more sequences agree."""
    layers, heads = (np.sort(modal[name].unique()) for name in ("layer", "head"))
    for layer, head, role, share in modal[["layer", "head", "role", "value"]].itertuples(index=False):
        cell = Rectangle(
            (head - 0.5, layer - 0.5), 1, 1, facecolor=COLOURS[role], alpha=0.25 + 0.75 * share, linewidth=0
        )
        axis.add_patch(cell)
        # In a wide map only the heads that sequences disagree on are numbered.
        if share < 1 or len(heads) <= MAX_TICKS:
            text = axis.text(head, layer, f"{share:.2f}".removeprefix("0"), ha="center", va="center", size=8)
            text.set_path_effects([withStroke(linewidth=2, foreground="white")])
    axis.set(xlim=(heads[0] - 0.5, heads[-1] + 0.5), ylim=(layers[-1] + 0.5, layers[0] - 0.5))
    axis.set(xlabel="head", ylabel="layer", xticks=_thinned(heads), yticks=_thinned(layers))


def _thinned(values: np.ndarray) -> np.ndarray:
    return values[:: -(-len(values) // MAX_TICKS)]


def _draw_layers(axis: Axes, rows: pd.DataFrame) -> None:
    shares = rows.pivot(index="layer", columns="role", values="value")
    bottom = np.zeros(len(shares))
    for role, colour in COLOURS.items():
        # Heads without any role are what the others leave.
        height = shares[role].to_numpy() if role in shares else 1 - bottom
        axis.bar(shares.index, height, 0.75, bottom, color=colour, edgecolor=GREY, linewidth=0.4)
        bottom += height
    axis.set(xlabel="layer", ylabel="share of the heads", ylim=(0, 1))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))


def _draw_targets(axis: Axes, rows: pd.DataFrame) -> None:
    """Mean attention of a token to those that have a name, by layer, with intervals, and that of uniform attention."""
    for statistic, (label, colour, marker) in TARGETS.items():
        of_target = rows[rows["statistic"] == statistic].sort_values("layer")
        axis.plot(of_target["layer"], of_target["value"], color=colour, marker=marker, markersize=4, label=label)
        axis.fill_between(
            of_target["layer"], of_target["low"], of_target["high"], color=colour, alpha=0.25, linewidth=0
        )
    even = rows[rows["statistic"] == "chance"].sort_values("layer")
    axis.plot(even["layer"], even["value"], color=GREY, linestyle=":", label="uniform attention")
    axis.set(title="Attention by layer", xlabel="layer", ylabel="share of a token's attention", yscale="log")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.yaxis.set(major_locator=LogLocator(subs=(1, 2, 5)), major_formatter="{x:g}", minor_formatter="")
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
