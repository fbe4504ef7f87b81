"""Figure of the shape of token vectors: skewness, kurtosis and normality by layer, values and column sums."""

from itertools import product

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spikegeometry.figures.style import (
    CYAN,
    GREY,
    INDIGO,
    INK,
    RED,
    SEQUENTIAL,
    WINE,
    class_colours,
    class_markers,
    new_figure,
    note_missing,
    reach,
)

ALL_CLASSES = "all"
KMERS = "k-mers"
COLUMN_BINS = 27  # as in the original program
SHAPES = {"skewness": "mean skewness (normal: 0)", "kurtosis": "mean excess kurtosis (normal: 0)"}
TESTS = {"dagostino_pearson": ("D'Agostino-Pearson", INDIGO), "anderson_darling": ("Anderson-Darling", RED)}
# What the axes of the shapes show at least.
LEAST_SHAPE = (-0.5, 0.5)
# The test whose rejections are drawn for every site, and the sites and units.
STRICT = "anderson_darling"
SITES = {
    "output": ("layer output", INK),
    "attention_output": ("attention output", CYAN),
    "head": ("head outputs", WINE),
}
UNITS = {"token": ("coordinates of a token", "-"), "coordinate": ("a coordinate over the k-mers", "--")}
VARIANTS = {"all": "-", "without_outliers": "--"}


def draw_activation_distributions(
    table: pd.DataFrame,
    histogram: pd.DataFrame,
    columns: pd.DataFrame,
    classes: list[str],
    chosen: list[str],
    alpha: float,
    outlier: float,
) -> Figure:
    """Shape and normality of the token vectors by layer, site and unit, and histograms of values and of column sums.

    `table`: means over sequences by class, layer, site, unit, token, variant and statistic; `histogram`: class, layer,
    bin, low (its lower edge), value (mean count), n; `columns`: class, layer, coordinate, value (mean sum over the
    tokens), n;
    `classes`: all classes of the run, of which `chosen` were asked for; `alpha` and `outlier` as in the config.
    """
    present = set(table["class"])
    shown = [name for name in classes if name in present]
    counts = histogram.groupby("class")["n"].max()
    everything = table
    table = table[(table["site"] == "output") & (table["unit"] == "token")]
    kmers = table[table["token"] == KMERS]
    figure, axes = new_figure(10, 13, 4, 2)
    for axis, (statistic, label) in zip(axes[0], SHAPES.items(), strict=True):
        _draw_shape(axis, kmers[kmers["statistic"] == statistic], shown, classes)
        axis.set_ylabel(label)
        reach(axis, *LEAST_SHAPE)
    axes[0, 0].set_title("Skewness of the coordinates of a token")
    axes[0, 1].set_title("Excess kurtosis of the coordinates of a token")
    whole = table[table["class"] == ALL_CLASSES]
    _draw_rejected(axes[1, 0], whole[whole["token"] == KMERS], alpha)
    _draw_outliers(axes[1, 1], whole[whole["variant"] == "all"], outlier)
    of_all = everything[(everything["class"] == ALL_CLASSES) & (everything["token"] == KMERS)]
    _draw_sites(axes[2, 0], of_all[(of_all["statistic"] == "kurtosis") & (of_all["variant"] == "all")])
    axes[2, 0].axhline(0, color=GREY, linewidth=0.8)
    n = of_all.loc[of_all["unit"] == "coordinate", "n"].max()
    axes[2, 0].set(title=f"Excess kurtosis by site and unit, n = {n:.0f}", ylabel=SHAPES["kurtosis"])
    _draw_sites(axes[2, 1], of_all[(of_all["statistic"] == f"{STRICT}_rejected") & (of_all["variant"] == "all")])
    axes[2, 1].set(title=f"Not normal by site and unit, {TESTS[STRICT][0]}", ylabel="share of the samples")
    axes[2, 1].set_ylim(-0.03, 1.03)
    reach(axes[2, 0], *LEAST_SHAPE)
    # Room above the lines for the legend.
    low, high = axes[2, 0].get_ylim()
    axes[2, 0].set_ylim(low, high + 0.8 * (high - low))
    axes[2, 0].legend(loc="upper left", fontsize=7)
    layers = sorted(histogram["layer"].unique())
    scale = ScalarMappable(Normalize(min(layers), max(max(layers), 1)), matplotlib.colormaps[SEQUENTIAL])
    _draw_values(axes[3, 0], histogram[histogram["class"] == ALL_CLASSES], scale)
    _draw_sums(axes[3, 1], columns[columns["class"] == ALL_CLASSES], scale)
    figure.colorbar(scale, ax=list(axes[3]), label="layer", ticks=MaxNLocator(integer=True), pad=0.01)

    lines = [
        axes[0, 0].plot([], [], **_style(name, classes), label=f"{name} (n = {counts[name]})")[0] for name in shown
    ]
    lines += [
        axes[0, 0].plot([], [], line, color=INK, label=f"all classes, {_variant(name, outlier)}")[0]
        for name, line in VARIANTS.items()
    ]
    figure.legend(handles=lines, loc="outside lower center", ncols=5)
    note = note_missing(chosen, present)
    figure.suptitle(f"Coordinates of token vectors by layer, n = {counts[ALL_CLASSES]} distinct sequences{note}")
    return figure


def _style(name: str, classes: list[str]) -> dict:
    return {"color": class_colours(classes)[name], "marker": class_markers(classes)[name], "markersize": 4}


def _variant(name: str, outlier: float) -> str:
    return "every coordinate" if name == "all" else f"without |z| > {outlier:g}"


def _draw_shape(axis: Axes, rows: pd.DataFrame, shown: list[str], classes: list[str]) -> None:
    for name in shown:
        points = rows[(rows["class"] == name) & (rows["variant"] == "all")]
        axis.plot(points["layer"], points["value"], linewidth=1, **_style(name, classes))
    for variant, line in VARIANTS.items():
        points = rows[(rows["class"] == ALL_CLASSES) & (rows["variant"] == variant)]
        axis.plot(points["layer"], points["value"], line, color=INK, linewidth=1.5)
    axis.axhline(0, color=GREY, linewidth=0.8)
    _layer_axis(axis)


def _draw_rejected(axis: Axes, rows: pd.DataFrame, alpha: float) -> None:
    """Share of vectors that each test calls not normal: uncorrected, corrected, and corrected without outliers."""
    for test, (label, colour) in TESTS.items():
        for statistic, variant, line, name in (
            ("below", "all", ":", f"p < {alpha:g}"),
            ("rejected", "all", "-", f"false discovery rate {alpha:g}"),
            ("rejected", "without_outliers", "--", "the same without outliers"),
        ):
            points = rows[(rows["statistic"] == f"{test}_{statistic}") & (rows["variant"] == variant)]
            axis.plot(points["layer"], points["value"], line, color=colour, marker=".", label=f"{label}, {name}")
            axis.fill_between(points["layer"], points["low"], points["high"], color=colour, alpha=0.1, linewidth=0)
    axis.axhline(alpha, color=GREY, linewidth=0.8, label=f"p < {alpha:g} by chance")
    axis.set(ylim=(-0.01, max(0.3, 1.5 * axis.get_ylim()[1])), ylabel="share of the k-mers' vectors")
    axis.set_title("Vectors that are not normal")
    axis.legend(loc="upper left")
    _layer_axis(axis)


def _draw_outliers(axis: Axes, rows: pd.DataFrame, outlier: float) -> None:
    """Largest distance from the mean, for the k-mers and for [CLS] and [SEP], with the limit of outliers."""
    for token, marker in ((KMERS, "o"), ("[CLS]", "^"), ("[SEP]", "s")):
        points = rows[(rows["token"] == token) & (rows["statistic"] == "largest_z")]
        axis.plot(points["layer"], points["value"], marker=marker, markersize=4, linewidth=1, label=token)
    axis.axhline(outlier, color=GREY, linestyle=":", label="limit of outliers")
    axis.set(ylabel="largest |z|, mean over tokens", ylim=(0, None))
    axis.set_title("How far the farthest coordinate of a token is out")
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=4, columnspacing=1)
    _layer_axis(axis)


def _draw_sites(axis: Axes, rows: pd.DataFrame) -> None:
    """A line for each site and unit: samples are the coordinates of a token, or a coordinate over the k-mers."""
    for (site, (place, colour)), (unit, (sample, line)) in product(SITES.items(), UNITS.items()):
        points = rows[(rows["site"] == site) & (rows["unit"] == unit)]
        label = f"{place}, {sample}"
        axis.plot(points["layer"], points["value"], line, color=colour, marker=".", linewidth=1, label=label)
        axis.fill_between(points["layer"], points["low"], points["high"], color=colour, alpha=0.1, linewidth=0)
    _layer_axis(axis)


def _draw_values(axis: Axes, rows: pd.DataFrame, scale: ScalarMappable) -> None:
    for layer, points in rows.groupby("layer"):
        density = points["value"] / points["value"].sum() / _width(points)
        axis.step(points["low"], density, where="post", color=scale.to_rgba(layer), linewidth=1)
    axis.set(yscale="log", xlabel="value of a coordinate", ylabel="density")
    axis.set_title("Layer outputs: all coordinates of all tokens")


def _width(points: pd.DataFrame) -> float:
    """Width of the bins, from the lowest edge and its number that are not zero."""
    some = points[points["bin"] != 0].iloc[0]
    return some["low"] / some["bin"]


def _draw_sums(axis: Axes, rows: pd.DataFrame, scale: ScalarMappable) -> None:
    edges = np.histogram_bin_edges(rows["value"], COLUMN_BINS)
    for layer, points in rows.groupby("layer"):
        numbers, _ = np.histogram(points["value"], edges)
        axis.stairs(numbers, edges, color=scale.to_rgba(layer))
    axis.set(xlabel="sum over the tokens of a sequence, mean over sequences", ylabel="coordinates")
    axis.set_title(f"Column sums of the layer outputs, {rows['coordinate'].nunique()} coordinates")


def _layer_axis(axis: Axes) -> None:
    axis.set_xlabel("layer (0: embeddings)")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
