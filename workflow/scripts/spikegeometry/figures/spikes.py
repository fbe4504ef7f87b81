"""Figure of a cohort's gene sequences: length, coverage, deletions and insertions."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spikegeometry.figures.style import INDIGO, RED, class_colours, legend_below, new_figure

LARGEST_DOT = 120  # square points, for all spikes of a class
LOWEST_SHARE = 95  # per cent; left end of the axis of coverage where no sequence has less
LANE = 0.8  # height of a class's lane that stands for all of its spikes
# Narrower bars would not be seen at report size.
NARROWEST = 0.002  # of the gene


def draw_spikes(
    values: pd.DataFrame, indels: pd.DataFrame, classes: list[str], gene: str, gene_length: int, cohort: str
) -> Figure:
    """Native lengths, covered and known shares, and indels along the gene, in a lane for each class.

    Parameters
    ----------
    values: columns class, statistic (native_length, covered_fraction, n_fraction), value, n.
    indels: columns class, kind (deletion, insertion), start, end (1-based), bases, n, share (of the class's spikes).
    classes: the run's classes, in the order of the lanes; others follow.
    gene, gene_length: name, and bases on the reference.
    cohort: what the title calls the genomes.
    """
    lanes = [*classes, *sorted(set(values["class"]) - set(classes))]
    lengths = values[values["statistic"] == "native_length"]
    sizes = lengths.groupby("class")["n"].sum().reindex(lanes, fill_value=0)

    figure, axes = new_figure(
        10, 2 + 0.62 * len(lanes), rows=2, columns=2, gridspec_kw={"height_ratios": [1, 1.5]}, sharey="row"
    )
    (length_axes, share_axes), (left, right) = axes
    for unused in (left, right):
        unused.remove()
    indel_axes = figure.add_subplot(axes[1, 0].get_gridspec()[1, :])

    _draw_lengths(length_axes, lengths, sizes, gene_length)
    _draw_shares(share_axes, values, lanes)
    _draw_indels(indel_axes, indels, lanes, gene_length)
    for lane_axes in (length_axes, indel_axes):
        lane_axes.set_yticks(range(len(lanes)), [f"{name} ({size:,})" for name, size in sizes.items()])
        lane_axes.invert_yaxis()
    length_axes.set(title=f"Length of the {gene}, insertions included")
    indel_axes.set(
        xlabel=f"Base of the {gene} on the reference (1-based)",
        title="Deletions (bars) and insertions (triangles): height is the share of the class's sequences, a lane 100 %",
    )
    figure.suptitle(f"{gene.capitalize()} sequences of {cohort}: {sizes.sum():,}", fontsize=11)
    return figure


def _draw_lengths(axes: Axes, lengths: pd.DataFrame, sizes: pd.Series, gene_length: int) -> None:
    colours = class_colours(list(sizes.index))
    axes.axvline(gene_length, color="black", linewidth=0.8, linestyle=":")
    for lane, (name, size) in enumerate(sizes.items()):
        own = lengths[lengths["class"] == name]
        if size:
            areas = LARGEST_DOT * own["n"] / size
            axes.scatter(own["value"], np.full(len(own), lane), s=areas, color=colours[name], alpha=0.8)
    axes.set(xlabel=f"Bases (area of a dot: share of the class; dotted: reference, {gene_length:,})")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.margins(y=0.08)


def _draw_shares(axes: Axes, values: pd.DataFrame, lanes: list[str]) -> None:
    """Median as a mark, whole range as a line, of the covered and of the unambiguous share."""
    for statistic, label, marker, colour, offset in (
        ("covered_fraction", "covered by the genome", "o", INDIGO, -0.16),
        ("n_fraction", "known bases or deleted", "s", RED, 0.16),
    ):
        for lane, name in enumerate(lanes):
            own = values[(values["statistic"] == statistic) & (values["class"] == name)]
            if len(own):
                shares = own["value"].repeat(own["n"])
                shares = 100 * (shares if statistic == "covered_fraction" else 1 - shares)
                axes.plot([shares.min(), shares.max()], [lane + offset] * 2, color=colour, linewidth=1.2)
                axes.plot(shares.median(), lane + offset, marker, color=colour, markersize=5)
        axes.plot([], [], marker, color=colour, linestyle="-", label=label)
    axes.set(xlabel="Bases of the gene on the reference (%)", title="Coverage: median and whole range")
    axes.set_xlim(min(LOWEST_SHARE, axes.get_xlim()[0]), 100.5)
    legend_below(axes, ncols=2, frameon=False)


def _draw_indels(axes: Axes, indels: pd.DataFrame, lanes: list[str], gene_length: int) -> None:
    colours = class_colours(lanes)
    for lane, name in enumerate(lanes):
        floor = lane + LANE / 2
        axes.axhline(floor, color="#BBBBBB", linewidth=0.6)
        own = indels[indels["class"] == name]
        if own.empty:
            continue
        deleted = own[own["kind"] == "deletion"]
        length = deleted["end"] - deleted["start"] + 1
        axes.bar(
            deleted["start"] - 0.5 + length / 2,
            -LANE * deleted["share"],
            np.maximum(length, NARROWEST * gene_length),
            bottom=floor,
            color=colours[name],
        )
        inserted = own[own["kind"] == "insertion"]
        heights = floor - LANE * inserted["share"]
        axes.vlines(inserted["start"] + 0.5, floor, heights, color="black", linewidth=0.8)
        axes.plot(inserted["start"] + 0.5, heights, "v", color="black", markersize=4)
    axes.set(xlim=(0, gene_length + 1), ylim=(-0.5, len(lanes) - 0.4))
