"""Figures of attention maps: where attention goes by head, the maps of a layer, and one head's map with its classes.

Maps (m, m) are among the k-mers: queries as rows, keys as columns, k-mer 1 first.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spikegeometry.figures.style import (
    CYAN,
    DIVERGING,
    INDIGO,
    INK,
    LIME,
    RED,
    SEQUENTIAL,
    class_colours,
    class_markers,
    new_figure,
    note_missing,
)

ALL_CLASSES = "all"
TARGETS = {
    "to_cls": "to [CLS]",
    "to_sep": "to [SEP]",
    "to_self": "to the token itself",
    "to_prev": "to the token before",
    "to_next": "to the token after",
    "to_kmer": "to all k-mers",
}
TARGET_COLOURS = (CYAN, RED, INK, INDIGO, LIME, "#BBBBBB")
LEGEND = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.2), "ncols": 2, "handlelength": 1.2, "columnspacing": 1}
RELATIVE = "attention / uniform attention"
# Range of the colours, in multiples of uniform attention.
WEAKEST, STRONGEST = 0.1, 100
# Largest number of rows of a small map: each of its cells is then the mean of several.
SMALL = 110
COLUMNS = 4


def draw_attention_maps(table: pd.DataFrame, classes: list[str], chosen: list[str]) -> Figure:
    """Share of attention to each target by head, and by layer: targets, classes, and pairs above the thresholds.

    `table`: class, layer, head, statistic, value, n; `classes`: all classes of the run, in the order of their colours;
    `chosen`: those that were asked for.
    """
    everything = table[table["class"] == ALL_CLASSES]
    values = everything.pivot_table(index="statistic", columns=["layer", "head"], values="value")
    mosaic = 1.1 + 0.19 * everything["layer"].nunique()
    figure, axes = new_figure(10, 2 * mosaic + 4.2, 3, 3, height_ratios=[mosaic, mosaic, 3.4])
    chance = values.loc["chance"]
    ratios = {name: values.loc[name] / (1 - 2 * chance if name == "to_kmer" else chance) for name in TARGETS}
    furthest = max(2, *(np.exp(np.log(ratio[ratio > 0]).abs().max()) for ratio in ratios.values()))
    for axis, (name, title) in zip(axes[:2].flat, TARGETS.items(), strict=True):
        drawn = _draw_heads(axis, ratios[name].unstack("head"), furthest)
        axis.set_title(f"{title} (mean {values.loc[name].mean():.2g})")
    figure.colorbar(drawn, ax=axes[:2], label="share / share of uniform attention")
    _draw_targets(axes[2, 0], values.T.groupby("layer").mean())
    _draw_classes(axes[2, 1], table[table["statistic"] == "to_kmer"], classes)
    _draw_pairs(axes[2, 2], everything)

    note = note_missing(chosen, table["class"])
    figure.suptitle(f"Where the attention of the heads goes, n = {everything['n'].max()} distinct sequences{note}")
    return figure


def draw_layer(maps: np.ndarray, layer: int, heads: list[int], n: int, classes: int, domains: pd.DataFrame) -> Figure:
    """The maps (H, m, m) of a layer's heads side by side, each cell the mean of several where the maps are large."""
    columns = min(COLUMNS, len(heads))
    rows = -(-len(heads) // columns)
    figure, axes = new_figure(10, 10 / columns * rows * 0.92 + 1, rows, columns, squeeze=False)
    kmers = maps.shape[-1]
    for axis, head, one in zip(axes.flat, heads, maps, strict=False):
        drawn = _draw_relative(axis, shrink(one, -(-kmers // SMALL)), kmers)
        axis.set_title(f"head {head}")
        _mark_domains(axis, domains, kmers, named=False)
    for axis in axes.flat[len(heads) :]:
        axis.axis("off")
    for axis in axes[:, 0]:
        axis.set_ylabel("query k-mer")
    for axis in axes[-1]:
        axis.set_xlabel("key k-mer")
    figure.colorbar(drawn, ax=axes, label=RELATIVE, extend="both", shrink=0.6)
    figure.suptitle(
        f"Layer {layer}: attention among the k-mers, mean of {classes} classes (n = {n} distinct sequences)"
    )
    return figure


def draw_head(
    maps: dict[str, np.ndarray], layer: int, head: int, counts: dict[str, int], domains: pd.DataFrame
) -> Figure:
    """The mean over classes of a head's map, every cell of it, and what each class's map (m, m) has more or less."""
    mean = np.nanmean(list(maps.values()), axis=0)
    kmers = len(mean)
    rows = -(-len(maps) // COLUMNS)
    figure, axis = new_figure(10, 7.6 + 2.6 * rows)
    axis.remove()
    above, below = figure.subfigures(2, 1, height_ratios=[7.6, 2.6 * rows])
    axis = above.subplots()
    drawn = _draw_relative(axis, mean, kmers)
    _mark_domains(axis, domains, kmers, named=True)
    axis.set(xlabel="key k-mer", ylabel="query k-mer")
    above.colorbar(drawn, ax=axis, label=RELATIVE, extend="both", shrink=0.8)
    above.suptitle(
        f"Layer {layer}, head {head}: attention among the k-mers, mean of {len(maps)} classes "
        f"(n = {sum(counts.values())} distinct sequences)"
    )

    differences = {name: shrink((one - mean) * kmers, -(-kmers // SMALL)) for name, one in maps.items()}
    # Beyond this percentile colours stay the same, so that one cell does not bleach all others.
    limit = np.nanquantile(np.abs(list(differences.values())), 0.995) or 1
    axes = below.subplots(rows, COLUMNS, squeeze=False)
    for axis, (name, difference) in zip(axes.flat, differences.items(), strict=False):
        drawn = _draw_map(axis, difference, kmers, cmap=DIVERGING, vmin=-limit, vmax=limit)
        axis.set_title(f"{name} (n = {counts[name]})")
        _mark_domains(axis, domains, kmers, named=False)
    for axis in axes.flat[len(maps) :]:
        axis.axis("off")
    below.colorbar(drawn, ax=axes, label="class minus mean,\nin units of uniform attention", extend="both", shrink=0.8)
    return figure


def draw_high_pairs(
    mean: np.ndarray,
    pairs: pd.DataFrame,
    layer: int,
    head: int,
    counts: dict[str, int],
    domains: pd.DataFrame,
    kappa: float,
    least: float,
) -> Figure:
    """The mean map (m, m) of a head with all but the high pairs masked, and in how many classes each of them is high.

    `pairs`: class, query and key (tokens; k-mer 1 is token 1) of the pairs with `kappa` times uniform attention in a
    share of at least `least` of the class's sequences; `counts`: sequences of each class.
    """
    kmers = len(mean)
    among = pairs[pairs["query"].between(1, kmers) & pairs["key"].between(1, kmers)]
    cells = among.groupby(["query", "key"]).size()
    query, key = (cells.index.get_level_values(role).to_numpy() for role in ("query", "key"))
    colours = {
        RELATIVE: (mean[query - 1, key - 1] * kmers, {"norm": LogNorm(1, STRONGEST)}),
        "classes in which the pair is high": (cells, {"vmin": 1, "vmax": max(2, len(counts))}),
    }
    figure, axes = new_figure(10, 5.4, 1, 2)
    for axis, (label, (values, scale)) in zip(axes, colours.items(), strict=True):
        # Points, because a cell is smaller than what can be seen.
        drawn = axis.scatter(key, query, s=4, c=values, cmap=SEQUENTIAL, linewidths=0, **scale)
        figure.colorbar(drawn, ax=axis, label=label, extend="max" if "norm" in scale else "neither", shrink=0.7)
        axis.set(xlim=(0.5, kmers + 0.5), ylim=(kmers + 0.5, 0.5), aspect="equal", facecolor="#D5D5D5")
        axis.set(xlabel="key k-mer", ylabel="query k-mer")
        _mark_domains(axis, domains, kmers, named=False)
    figure.suptitle(
        f"Layer {layer}, head {head}: the {len(cells)} pairs of k-mers with {kappa:g} times uniform attention in "
        f"{least:.0%} of a class's\nsequences or more, of {kmers**2:,} "
        f"(n = {sum(counts.values())} distinct sequences of {len(counts)} classes)"
    )
    return figure


def shrink(values: np.ndarray, factor: int) -> np.ndarray:
    """Means of `factor` x `factor` blocks of a map (m, m); blocks at the ends may be smaller. NaN is left out."""
    size = -(-len(values) // factor)
    padded = np.full((size * factor, size * factor), np.nan)
    padded[: len(values), : len(values)] = values
    blocks = padded.reshape(size, factor, size, factor)
    known = np.isfinite(blocks).sum(axis=(1, 3))
    return np.divide(np.nansum(blocks, axis=(1, 3)), known, out=np.full((size, size), np.nan), where=known > 0)


def _draw_heads(axis: Axes, ratios: pd.DataFrame, furthest: float):
    """A cell for each head: ratios by layer (rows) and head (columns), with 1 as the middle of the colours."""
    drawn = axis.imshow(
        ratios.clip(lower=1 / furthest), cmap=DIVERGING, norm=LogNorm(1 / furthest, furthest), aspect="auto"
    )
    for set_ticks, labels in ((axis.set_xticks, ratios.columns), (axis.set_yticks, ratios.index)):
        step = -(-len(labels) // 12)
        set_ticks(range(0, len(labels), step), labels[::step])
    axis.set(xlabel="head", ylabel="layer")
    return drawn


def _draw_targets(axis: Axes, by_layer: pd.DataFrame) -> None:
    """Stacked shares of attention by layer, averaged over heads."""
    parts = by_layer[["to_cls", "to_sep", "to_self", "to_prev", "to_next"]].copy()
    parts["other"] = (1 - parts.sum(axis=1)).clip(lower=0)
    labels = ["[CLS]", "[SEP]", "itself", "before", "after", "other k-mers"]
    bottom = np.zeros(len(parts))
    for name, label, colour in zip(parts, labels, TARGET_COLOURS, strict=True):
        axis.bar(parts.index, parts[name], 0.8, bottom, color=colour, label=label)
        bottom += parts[name].to_numpy()
    axis.set(xlabel="layer", ylabel="share of attention", ylim=(0, 1), title="By layer, mean over heads")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(**LEGEND)


def _draw_classes(axis: Axes, rows: pd.DataFrame, classes: list[str]) -> None:
    colours, markers = class_colours(classes), class_markers(classes)
    for name in classes:
        points = rows[rows["class"] == name].groupby("layer")["value"].mean()
        if len(points):
            count = rows.loc[rows["class"] == name, "n"].max()
            style = {"color": colours[name], "marker": markers[name], "markersize": 4, "linewidth": 1.2}
            axis.plot(points.index, points, label=f"{name} ({count})", **style)
    axis.set(xlabel="layer", ylabel="share of attention", title="To all k-mers, by class (n)")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(**LEGEND)


def _draw_pairs(axis: Axes, everything: pd.DataFrame) -> None:
    """High pairs for each query by threshold and layer: each head a dot, their mean a line."""
    high = everything[everything["statistic"].str.startswith("high_")]
    for (statistic, rows), marker in zip(high.groupby("statistic"), "os^Dv" * len(high), strict=False):
        name = statistic.removeprefix("high_")
        label = "from kappa / n" if name == "scale_free" else f"from {name}"
        means = rows.groupby("layer")["value"].mean()
        line = axis.plot(means.index, means, marker=marker, markersize=4, label=label)[0]
        axis.plot(rows["layer"], rows["value"], ".", color=line.get_color(), alpha=0.35, markersize=4)
    axis.set_yscale("symlog", linthresh=0.1)
    axis.set(xlabel="layer", ylabel="keys for each query", title="High pairs (dots: each head)", ylim=(0, None))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(**LEGEND)


def _draw_relative(axis: Axes, values: np.ndarray, kmers: int):
    """A map in multiples of uniform attention, on a logarithmic scale."""
    relative = np.maximum(values * kmers, WEAKEST / 10)
    return _draw_map(axis, relative, kmers, cmap=SEQUENTIAL, norm=LogNorm(WEAKEST, STRONGEST))


def _draw_map(axis: Axes, values: np.ndarray, kmers: int, **colours):
    """Draw a map whose cells may be blocks of k-mers, on axes that count k-mers from 1."""
    factor = -(-kmers // len(values))
    reach = 0.5 + factor * len(values)
    drawn = axis.imshow(values, extent=(0.5, reach, reach, 0.5), interpolation="nearest", **colours)
    axis.set(xlim=(0.5, kmers + 0.5), ylim=(kmers + 0.5, 0.5))
    return drawn


def _mark_domains(axis: Axes, domains: pd.DataFrame, kmers: int, named: bool) -> None:
    """Mark the borders of the domains (`domains`: name, first, last in k-mers), and name them if so asked."""
    inside = domains[domains["first"] < kmers]
    borders = inside["first"].clip(lower=0.5)
    middles = (borders + inside["last"].clip(upper=kmers + 0.5)) / 2
    for side, rotation in ((axis.secondary_xaxis("top"), 90), (axis.secondary_yaxis("right"), 0)):
        side.set_ticks(borders, labels=[])
        if named:
            side.set_ticks(middles, labels=inside["name"], minor=True)
            side.tick_params(which="minor", length=0, pad=8, labelsize=8, rotation=rotation)
