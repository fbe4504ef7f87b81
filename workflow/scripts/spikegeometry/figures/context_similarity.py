"""Figures of the similar pairs of k-mers: an overview by layer, their distances, and maps of single heads."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spikegeometry.figures.domains import name_axis, shade_domains
from spikegeometry.figures.style import CYAN, DIVERGING, GREY, INK, RED, SEQUENTIAL, new_figure, note_missing, reach

ALL_CLASSES = "all"
KINDS = {
    ("dot", "as_is"): ("dot product", INK, "o"),
    ("dot", "centred"): ("dot product, mean-centred", GREY, "s"),
    ("cosine", "as_is"): ("cosine", CYAN, "^"),
    ("cosine", "centred"): ("cosine, mean-centred", RED, "D"),
}
# The paper's similarity, and the one that neither long vectors nor the mean rules.
SHOWN = [("dot", "as_is"), ("cosine", "centred")]
SPECIAL = {"cls_relative": ("[CLS]", CYAN, "o"), "sep_relative": ("[SEP]", RED, "s")}
# How far from 1 the axes of ratios reach at least.
LEAST_SPAN = 0.25
CHANCE = {"color": GREY, "linewidth": 1, "zorder": 0}
COLUMNS = 4


def draw_context_similarity(
    table: pd.DataFrame,
    anchors: pd.DataFrame,
    domains: pd.DataFrame,
    mutations: pd.DataFrame,
    top: float,
    cosine: float,
    chosen: list[str],
) -> Figure:
    """Similar pairs by layer: how many, how far apart, in one domain, around which k-mer; and attention to [SEP].

    `table`: class, layer, head, site, measure, variant, top, statistic, value, n; `anchors`: class, layer, head, site,
    measure, variant, anchor, first_residue, last_residue, pair_share; `domains`, `mutations`: name, first, last
    (residues), and class; `top`: share of the pairs that are similar; `cosine`: that of `similar_share`; `chosen`: the
    classes that were asked for.
    """
    rows = table[(table["class"] == ALL_CLASSES) & (table["site"] == "head")]
    pairs = rows[rows["top"] == top]
    figure, axes = new_figure(10, 10 + 0.2 * rows["layer"].nunique(), 3, 3, height_ratios=[3, 3, 3.4])
    for axis in axes[2]:
        axis.remove()
    _draw_kinds(axes[0, 0], pairs, "similar_share", [kind for kind in KINDS if kind[0] == "cosine"])
    axes[0, 0].set(title="How many pairs are similar", ylabel=f"share of pairs with cosine ≥ {cosine:g}")
    _draw_kinds(axes[0, 1], pairs, "long_range", list(KINDS))
    axes[0, 1].set(title=f"Range of the {100 * top:g}% most similar", ylabel="mean distance / that of all pairs")
    _draw_ranges(figure, axes[0, 2], pairs)
    _draw_kinds(axes[1, 0], pairs, "same_domain_ratio", SHOWN)
    _draw_kinds(axes[1, 0], pairs, "same_domain_matched_ratio", SHOWN, "--")
    axes[1, 0].set(title="Within a domain (dashed: against\npairs as far apart)", ylabel="share / that of all pairs")
    _draw_special(axes[1, 1], rows)
    _draw_kinds(axes[1, 2], pairs, "uniqueness", list(KINDS))
    axes[1, 2].set(title="How distinct a layer's anchors are", ylabel="distinct anchors / heads", ylim=(0, 1.05))
    for axis in (axes[0, 1], axes[1, 0], axes[1, 1]):
        axis.axhline(1, **CHANCE)
    # A scale that small effects do not fill.
    for axis in axes[0, 1], axes[1, 0]:
        reach(axis, 1 - LEAST_SPAN, 1 + LEAST_SPAN)
    axes[1, 1].legend(loc="upper center", bbox_to_anchor=(0.5, -0.18))
    _draw_anchors(figure.add_subplot(axes[2, 0].get_gridspec()[2, :]), anchors, domains, mutations)
    figure.legend(*axes[0, 1].get_legend_handles_labels(), loc="outside lower center", ncols=len(KINDS))
    note = note_missing(chosen, table["class"])
    figure.suptitle(f"Similar k-mers after the heads, n = {rows['n'].max()} distinct sequences{note}")
    return figure


def _of_kind(rows: pd.DataFrame, kind: tuple[str, str]) -> pd.DataFrame:
    return rows[(rows["measure"] == kind[0]) & (rows["variant"] == kind[1])]


def _draw_kinds(axis: Axes, pairs: pd.DataFrame, statistic: str, kinds: list[tuple[str, str]], line: str = "-") -> None:
    """A line a kind of similarity: the statistic by layer, averaged over heads."""
    for kind in kinds:
        label, colour, marker = KINDS[kind]
        found = _of_kind(pairs[pairs["statistic"] == statistic], kind)
        means = found.groupby("layer")["value"].mean()
        axis.plot(means.index, means, line, color=colour, marker=marker, markersize=4, label=label)
    _layer_axis(axis)


def _draw_ranges(figure: Figure, axis: Axes, pairs: pd.DataFrame) -> None:
    found = _of_kind(pairs[pairs["statistic"] == "long_range"], SHOWN[-1])
    grid = found.pivot_table(index="layer", columns="head", values="value")
    reach = max(0.1, float((grid - 1).abs().max(axis=None)))
    drawn = axis.imshow(grid, cmap=DIVERGING, vmin=1 - reach, vmax=1 + reach, aspect="auto")
    for set_ticks, labels in ((axis.set_xticks, grid.columns), (axis.set_yticks, grid.index)):
        step = -(-len(labels) // 12)
        set_ticks(range(0, len(labels), step), [f"{label:g}" for label in labels[::step]])
    axis.set(title="Range by head (cosine, mean-centred)", xlabel="head", ylabel="layer")
    figure.colorbar(drawn, ax=axis, label="mean distance / that of all pairs", pad=0.02)


def _draw_special(axis: Axes, rows: pd.DataFrame) -> None:
    """Attention to [CLS] and [SEP]: each head as a point beside its layer, and the mean over heads."""
    for shift, (statistic, (label, colour, marker)) in zip((-0.12, 0.12), SPECIAL.items(), strict=True):
        found = rows[rows["statistic"] == statistic]
        axis.plot(found["layer"] + shift, found["value"], ".", color=colour, alpha=0.5, markersize=5)
        means = found.groupby("layer")["value"].mean()
        axis.plot(means.index, means, color=colour, marker=marker, markersize=5, label=f"to {label} (points: heads)")
    axis.set(title="Attention to the special tokens", ylabel="attention / uniform attention", yscale="log")
    _layer_axis(axis)


def _draw_anchors(axis: Axes, anchors: pd.DataFrame, domains: pd.DataFrame, mutations: pd.DataFrame) -> None:
    """Where in the protein the anchor of each head lies; the size of a mark is its share of the head's pairs."""
    rows = anchors[(anchors["class"] == ALL_CLASSES) & (anchors["site"] == "head")]
    layers, heads = sorted(rows["layer"].unique()), sorted(rows["head"].unique())
    for kind in SHOWN:
        _, colour, marker = KINDS[kind]
        found = _of_kind(rows, kind)
        height = found["layer"].map(layers.index) + (found["head"].map(heads.index) + 0.5) / len(heads)
        residues = (found["first_residue"] + found["last_residue"]) / 2
        style = {"marker": marker, "facecolor": "none", "edgecolor": colour, "linewidth": 1.2}
        axis.scatter(residues, height, s=12 + 300 * found["pair_share"], **style)
    end = domains["last"].max()
    shade_domains(axis, domains)
    axis.hlines(range(1, len(layers)), 0, end, color=GREY, linewidth=0.7)
    axis.set_yticks(np.arange(len(layers)) + 0.5, [f"layer {layer}" for layer in layers])
    axis.set(xlabel="residue of the protein", xlim=(0, end + 1), ylim=(len(layers), 0))
    title = "Anchors: the k-mer in most similar pairs of each head (rows: heads in order; size: share)"
    axis.set_title(title, pad=name_axis(axis, domains, mutations))


def draw_distances(distances: pd.DataFrame, top: float) -> Figure:
    """Distances of the similar pairs of each layer, as multiples of the share of all pairs that is so far apart.

    `distances`: class, layer, measure, variant, shortest, longest (k-mers), statistic (share, null), value, n.
    """
    rows = distances[distances["class"] == ALL_CLASSES]
    layers = sorted(rows["layer"].unique())
    columns = min(COLUMNS, len(layers))
    lines = -(-len(layers) // columns)
    figure, axes = new_figure(10, 2.9 * lines + 1.1, lines, columns, squeeze=False, sharey=True)
    places = ["measure", "variant", "layer", "shortest", "longest"]
    wide = rows.pivot_table(index=places, columns="statistic", values="value").reset_index()
    wide = wide[wide["null"] > 0].assign(ratio=lambda table: table["share"] / table["null"])
    bins = wide[["shortest", "longest"]].drop_duplicates().sort_values("shortest")
    labels = [f"{one}-{other}" if one < other else f"{one}" for one, other in bins.itertuples(index=False)]
    for axis, layer in zip(axes.flat, layers, strict=False):
        for kind, (label, colour, marker) in KINDS.items():
            found = _of_kind(wide[wide["layer"] == layer], kind)
            place = found["shortest"].map(list(bins["shortest"]).index)
            axis.plot(place, found["ratio"], color=colour, marker=marker, markersize=4, label=label)
        axis.axhline(1, **CHANCE)
        axis.set_xticks(range(len(labels)), labels, rotation=60, ha="right")
        axis.set(title=f"layer {layer}", xlabel="distance in k-mers")
    for axis in axes.flat[len(layers) :]:
        axis.axis("off")
    for axis in axes[:, 0]:
        axis.set_ylabel("share / that of all pairs")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    figure.suptitle(
        f"Distances of the {100 * top:g}% most similar pairs, mean over heads, n = {rows['n'].max()} distinct sequences"
    )
    return figure


def draw_maps(maps: dict[str, np.ndarray], sequence: str, domains: pd.DataFrame) -> Figure:
    """Similarity matrices (m, m) of single heads for one sequence: dot products on the left, cosines on the right.

    `maps`: under "layer head measure"; `domains`: name, first and last (on an axis of k-mers).
    """
    heads = list(dict.fromkeys(tuple(name.split()[:2]) for name in maps))
    figure, axes = new_figure(10, 4.1 * len(heads) + 0.6, len(heads), 2, squeeze=False)
    for row, (layer, head) in zip(axes, heads, strict=True):
        for axis, (measure, words) in zip(row, {"dot": "dot product", "cosine": "cosine"}.items(), strict=True):
            values = maps[f"{layer} {head} {measure}"]
            # Beyond these percentiles colours stay the same, so that one long vector does not bleach all others.
            low, high = (-1, 1) if measure == "cosine" else np.quantile(values, [0.01, 0.99])
            colours = DIVERGING if measure == "cosine" else SEQUENTIAL
            extent = (0.5, len(values) + 0.5, len(values) + 0.5, 0.5)
            drawn = axis.imshow(values, cmap=colours, vmin=low, vmax=high, extent=extent)
            note = ", as it is" if measure == "dot" else ", mean-centred"
            axis.set(title=f"Layer {layer}, head {head}: {words}{note}", xlabel="k-mer", ylabel="k-mer")
            figure.colorbar(drawn, ax=axis, label=words, shrink=0.8, extend="both" if measure == "dot" else "neither")
            for border in domains["first"][1:]:
                axis.axhline(border, color=INK, linewidth=0.3)
                axis.axvline(border, color=INK, linewidth=0.3)
    figure.suptitle(f"Similarity of the k-mers of {sequence} (n = 1 sequence; lines: borders of protein domains)")
    return figure


def _layer_axis(axis: Axes) -> None:
    axis.set_xlabel("layer")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
