"""Figures of the data set: k-mer ranks, class and split sizes, leakage between splits."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from spikegeometry.figures.style import CYAN, INDIGO, LIME, new_figure

SPLIT_COLOURS = {"train": INDIGO, "validation": LIME, "test": CYAN}
# From the same sequence to a clear distance, dark to light.
DISTANCE_COLOURS = {
    "hamming_0": "#882255",
    "hamming_1": "#CC6677",
    "hamming_2": "#E8B9BF",
    "hamming_3_or_more": "#DDDDDD",
}
DISTANCE_NAMES = {
    "hamming_0": "0 bases",
    "hamming_1": "1 base",
    "hamming_2": "2 bases",
    "hamming_3_or_more": "3 or more",
}
MARKED = {
    "identical_protein": ("D", 3.5, "black", "identical protein"),
    "indistinguishable": ("o", 7, "none", "no difference at bases read in both"),
}
SMALLEST_LABELLED_SHARE = 0.09
# A row of the leakage figure: the bar in its upper part, the marks below it.
BAR_OFFSET, BAR_HEIGHT, MARK_OFFSET = -0.14, 0.54, 0.32


def draw_kmer_ranks(counts: pd.DataFrame) -> Figure:
    """Occurrences of each k-mer by rank, both axes logarithmic. Columns kmer, count, rank."""
    figure, axes = new_figure(7, 4.2)
    # The first and last rank of each count draw the whole line; a vocabulary can have a hundred thousand ranks.
    ends = counts.groupby("count")["rank"].agg(["min", "max"]).sort_index(ascending=False)
    rank, count = ends.to_numpy().ravel(), np.repeat(ends.index.to_numpy(), 2)
    axes.fill_between(rank, count, 0.8, color=SPLIT_COLOURS["train"], alpha=0.15, linewidth=0)
    axes.plot(rank, count, color=SPLIT_COLOURS["train"], linewidth=1.2)
    axes.set(xscale="log", yscale="log", ylim=(0.8, 1.6 * count.max()), xlim=(0.9, 1.2 * len(counts)))
    axes.set_xlabel("Rank of the k-mer")
    axes.set_ylabel("Occurrences in the training split")
    k, total = len(counts["kmer"].iloc[0]), counts["count"].sum()
    axes.set_title(f"{len(counts):,} distinct {k}-mers among {total:,} in the training split", loc="left")
    once = int((counts["count"] == 1).sum())
    axes.annotate(f"{once:,} k-mers ({once / len(counts):.0%}) occur once", (0.03, 0.05), xycoords="axes fraction")
    return figure


def draw_splits(sizes: pd.DataFrame) -> Figure:
    """Genomes and distinct gene sequences of each class in each split. Columns class, split, genomes, haplotypes."""
    classes = list(dict.fromkeys(sizes["class"]))
    figure, panels = new_figure(10, 1.4 + 0.3 * len(classes), columns=2, sharey=True)
    for axes, column, what in zip(panels, ("genomes", "haplotypes"), ("Genomes", "Distinct sequences"), strict=True):
        table = sizes.pivot(index="class", columns="split", values=column).loc[classes, list(SPLIT_COLOURS)]
        totals = table.sum(axis=1)
        left = np.zeros(len(table))
        for split, colour in SPLIT_COLOURS.items():
            axes.barh(range(len(table)), table[split], left=left, color=colour, label=split, height=0.7)
            left += table[split]
        for row, (parts, total) in enumerate(zip(table.to_numpy(), totals, strict=True)):
            axes.text(total, row, "  " + " + ".join(f"{part:,}" for part in parts), va="center", fontsize=8)
        # Room for the numbers to the right of the longest bar.
        axes.set_xlim(0, 1.4 * totals.max())
        axes.set_xlabel(what)
        axes.set_title(f"{what} by split (n = {totals.sum():,})", loc="left")
    panels[0].set_yticks(range(len(classes)), classes)
    panels[0].invert_yaxis()
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return figure


def draw_leakage(table: pd.DataFrame) -> Figure:
    """Shares of each class by distance to the nearest sequence of the other split; one panel a pair.

    Columns pair, class, statistic, value, n, as `dataset.leakage.leakage_table` gives them.
    """
    distances = table[table["statistic"].isin(DISTANCE_COLOURS)]
    pairs = list(dict.fromkeys(distances["pair"]))
    columns = min(3, len(pairs))
    rows = -(-len(pairs) // columns)
    tallest = max(distances.groupby("pair")["class"].nunique())
    figure, panels = new_figure(10, 0.8 + rows * (0.9 + 0.3 * tallest), rows, columns, squeeze=False)
    for axes, pair in zip(panels.flat, pairs, strict=False):
        _draw_pair(axes, table[table["pair"] == pair], pair)
    for axes in panels.flat[len(pairs) :]:
        axes.set_axis_off()
    figure.legend(
        *panels.flat[0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=6,
        frameon=False,
        title="Differences from the nearest sequence",
    )
    return figure


def _draw_pair(axes: Axes, table: pd.DataFrame, pair: str) -> None:
    classes = list(dict.fromkeys(table["class"]))
    n = table.drop_duplicates("class").set_index("class")["n"]
    shares = table.assign(share=table["value"] / table["n"]).pivot(index="class", columns="statistic", values="share")
    shares = shares.loc[classes]
    rows = np.arange(len(classes))
    left = np.zeros(len(classes))
    for statistic, colour in DISTANCE_COLOURS.items():
        width = shares[statistic].to_numpy()
        name = DISTANCE_NAMES[statistic]
        bars = axes.barh(rows + BAR_OFFSET, width, left=left, color=colour, label=name, height=BAR_HEIGHT)
        shown = [f"{share:.0%}" if share >= SMALLEST_LABELLED_SHARE else "" for share in width]
        axes.bar_label(bars, shown, label_type="center", fontsize=8, color=_ink(colour))
        left += width
    for statistic, (marker, size, fill, name) in MARKED.items():
        marks = {"marker": marker, "markersize": size, "markerfacecolor": fill, "markeredgecolor": "black"}
        axes.plot(shares[statistic], rows + MARK_OFFSET, linestyle="none", clip_on=False, label=name, **marks)
    axes.set_yticks(rows, [f"{name} ({n[name]:,})" for name in classes])
    axes.set_ylim(len(classes) - 0.45, -0.55)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    first, second = pair.split("-", maxsplit=1)
    axes.set_xlabel(f"Share of the {second} genomes")
    axes.set_title(f"{second}: seen in {first}? (n = {n['all']:,})", loc="left")


def _ink(colour: str) -> str:
    """Black or white, whichever is read more easily on a colour (`#RRGGBB`)."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "white"
