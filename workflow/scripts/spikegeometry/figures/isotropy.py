"""Figure of isotropy: each measure by layer, all of them on one scale, and how far they rank the layers alike."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from spikegeometry.figures.style import (
    CYAN,
    DIVERGING,
    GREY,
    INDIGO,
    INK,
    LIME,
    RED,
    VIOLET,
    class_colours,
    class_markers,
    new_figure,
    note_missing,
    reach,
)

ALL_CLASSES = "all"
# Each panel's title, axis label, and what its axis shows at least.
PANELS = {
    ("pooled", "mean_cosine"): ("Tokens of different sequences", "mean cosine (random: 0)", (0, 0.5)),
    ("sequence", "R"): ("Cone of a sequence's tokens", "mean resultant length R", (0, 1.03)),
    ("pooled", "isoscore"): ("IsoScore, tokens of all sequences", "IsoScore (even: 1)", (0, 1.03)),
    ("sequence", "id"): ("Intrinsic dimension within a sequence", "dimensions (TwoNN)", (0, 1)),
    ("pooled", "top1_variance"): ("First principal component", "share of the variance", (0, 0.2)),
    ("pooled", "adjusted_self_similarity"): (
        "Occurrences of a k-mer",
        "their mean cosine less that of all tokens",
        (0, 1.03),
    ),
}
REFERENCES = {
    ("pooled", "isoscore"): ("pooled", "isoscore_isotropic", "as many isotropic points"),
    ("sequence", "R"): ("sequence", "R_random", "random directions"),
    ("sequence", "id"): ("pooled", "id", "tokens of all sequences"),
}
# As in the table of agreement: each grows with anisotropy.
MEASURES = {
    "R": ("R: cone index", INK, "o"),
    "mean_cosine": ("cos: mean cosine", CYAN, "s"),
    "isoscore": ("iso: 1 - IsoScore", RED, "^"),
    "id": ("dim: fewer dimensions", INDIGO, "D"),
    "top1_variance": ("pc: first component", LIME, "v"),
    "top3_variance_share": ("co: three coordinates", VIOLET, "P"),
}
REVERSED = ("isoscore", "id")
ALL_STYLE = {"color": INK, "linewidth": 1.6, "capsize": 2}


def draw_isotropy(table: pd.DataFrame, agreement: pd.DataFrame, classes: list[str], chosen: list[str]) -> Figure:
    """The measures by layer and class, and whether they tell the same story.

    `table`: class, layer, scope, statistic, value, n, low, high; `agreement`: one, other, value, n; `classes`: all
    classes of the run, in the order of their colours; `chosen`: those that were asked for.
    """
    present = set(table["class"])
    shown = [name for name in classes if name in present]
    styles = {
        name: {"color": class_colours(classes)[name], "marker": class_markers(classes)[name], "markersize": 4}
        for name in classes
    }
    figure, axes = new_figure(10, 11, 3, 3)
    places = [*axes[0], *axes[1]]
    for axis, (place, (title, label, least)) in zip(places, PANELS.items(), strict=True):
        _draw_measure(axis, table, place, shown, styles)
        reach(axis, *least)
        axis.set(title=title, ylabel=label)
    _draw_few(axes[2, 0], table)
    _draw_story(axes[2, 1], table)
    _draw_agreement(figure, axes[2, 2], agreement)
    counts = table[table["scope"] == "pooled"].groupby("class")["n"].max()
    lines = [Line2D([], [], label=f"{name} (n = {counts[name]:.0f})", **styles[name]) for name in shown]
    lines.append(Line2D([], [], color=INK, label="all classes"))
    lines.append(Line2D([], [], color=INK, linestyle=":", label="all classes, see panel"))
    figure.legend(handles=lines, loc="outside lower center", ncols=5)
    note = note_missing(chosen, present)
    figure.suptitle(
        f"Isotropy of token vectors by layer (0: embeddings), n = {counts[ALL_CLASSES]:.0f} distinct sequences{note}"
    )
    return figure


def _rows(table: pd.DataFrame, scope: str, statistic: str, name: str) -> pd.DataFrame:
    found = (table["scope"] == scope) & (table["statistic"] == statistic) & (table["class"] == name)
    return table[found].sort_values("layer")


def _draw_measure(
    axis: Axes, table: pd.DataFrame, place: tuple[str, str], shown: list[str], styles: dict[str, dict]
) -> None:
    for name in shown:
        rows = _rows(table, *place, name)
        axis.plot(rows["layer"], rows["value"], linewidth=1, **styles[name])
    _draw_interval(axis, _rows(table, *place, ALL_CLASSES), **ALL_STYLE)
    if place in REFERENCES:
        scope, statistic, label = REFERENCES[place]
        rows = _rows(table, scope, statistic, ALL_CLASSES)
        axis.plot(rows["layer"], rows["value"], ":", color=INK, linewidth=1.6, label=label)
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), fontsize=7)
    _layer_axis(axis)


def _draw_interval(axis: Axes, rows: pd.DataFrame, **style) -> None:
    errors = np.stack([rows["value"] - rows["low"], rows["high"] - rows["value"]])
    axis.errorbar(rows["layer"], rows["value"], np.nan_to_num(errors).clip(min=0), **style)


def _draw_few(axis: Axes, table: pd.DataFrame) -> None:
    """Share of the mean cosine and of the variance that three coordinates hold."""
    for statistic, (label, colour, marker) in {
        "top3_cosine_share": ("of the mean cosine", CYAN, "s"),
        "top3_variance_share": ("of the variance", VIOLET, "P"),
    }.items():
        rows = _rows(table, "pooled", statistic, ALL_CLASSES)
        _draw_interval(axis, rows, color=colour, marker=marker, markersize=4, capsize=2, label=label)
    axis.axhline(0.5, color=GREY, linewidth=1)
    axis.set(title="Three coordinates", ylabel="share that they hold", ylim=(0, 1.03))
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=2, fontsize=7, columnspacing=1)
    _layer_axis(axis)


def _draw_story(axis: Axes, table: pd.DataFrame) -> None:
    """All measures between their lowest and highest layer, turned so that up is less isotropic."""
    for statistic, (label, colour, marker) in MEASURES.items():
        rows = _rows(table, "sequence", statistic, ALL_CLASSES)
        values = -rows["value"] if statistic in REVERSED else rows["value"]
        span = values.max() - values.min()
        if span > 0:
            scaled = (values - values.min()) / span
            axis.plot(rows["layer"], scaled, color=colour, marker=marker, markersize=4, label=label)
    axis.set(title="Do they tell the same story?", ylabel="less isotropic, each scaled to 0..1")
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=2, handlelength=1.2, columnspacing=1)
    _layer_axis(axis)


def _draw_agreement(figure: Figure, axis: Axes, agreement: pd.DataFrame) -> None:
    names = list(MEASURES)
    grid = agreement.pivot_table(index="one", columns="other", values="value", dropna=False)
    grid = grid.reindex(index=names, columns=names).astype(float)
    drawn = axis.imshow(grid, cmap=DIVERGING, vmin=-1, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(grid.to_numpy()):
        if not np.isnan(value):
            colour = "white" if abs(value) > 0.7 else "black"
            axis.text(column, row, f"{value:.1f}", ha="center", va="center", size=8, color=colour)
    labels = [MEASURES[name][0].split(":")[0] for name in names]
    axis.set_xticks(range(len(names)), labels)
    axis.set_yticks(range(len(names)), labels)
    axis.set_title("How alike they rank the layers")
    figure.colorbar(drawn, ax=axis, label="Spearman's correlation", pad=0.02)


def _layer_axis(axis: Axes) -> None:
    axis.set_xlabel("layer")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
