"""Figures of the clustering: how far apart the classes lie by layer, maps of the sequences, and maps to turn."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikegeometry.figures.style import (
    CYAN,
    GREY,
    INDIGO,
    INK,
    LIME,
    RED,
    SEQUENTIAL,
    class_colours,
    class_markers,
    new_figure,
    note_missing,
    reach,
)

ALL_CLASSES = "all"
SITES = {"cls": "[CLS]", "kmers": "mean k-mer"}
OUTPUTS = ("pooled", "logits", "softmax")
SITE_STYLES = {"cls": {"color": INK, "marker": "o"}, "kmers": {"color": CYAN, "marker": "s"}}
METHODS = {
    "kmeans": ("k-means, as many as classes", RED, "-"),
    "kmeans_silhouette": ("k-means, number by silhouette", LIME, "--"),
    "hdbscan": ("HDBSCAN, noise as a cluster", INDIGO, "-."),
}
MAPS = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
# Plotly's three-dimensional markers, of which there are few.
SYMBOLS = ("circle", "square", "diamond", "cross", "x", "circle-open", "square-open", "diamond-open")


def draw_clustering(
    table: pd.DataFrame, components: pd.DataFrame, maps: pd.DataFrame, classes: list[str], chosen: list[str]
) -> Figure:
    """Separability by layer, principal components, and maps in two dimensions.

    `table`: class, site, layer, method, statistic, value, n, low, high; `components`: site, layer, component, share;
    `maps`: class, site, layer, method, dimensions, x, y, z; `classes`: all classes of the run, in the order of their
    colours; `chosen`: those that were asked for.
    """
    present = set(table["class"])
    shown = [name for name in classes if name in present]
    everything = table[table["class"] == ALL_CLASSES]
    places = _in_order(maps[["site", "layer"]])
    columns = max(len(places), 3)
    figure, axes = new_figure(10, 16.5, 5, columns)
    _draw_score(axes[0, 0], everything, "neighbours", "accuracy")
    chance = everything.loc[everything["statistic"] == "chance", "value"].max()
    axes[0, 0].axhline(chance, color=GREY, linestyle=":", label="largest class")
    axes[0, 0].set(
        title="k-NN accuracy",
        ylabel="accuracy, one left out",
        ylim=(0, 1.25),
        yticks=np.linspace(0, 1, 6),
    )
    axes[0, 0].legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), fontsize=7)
    _draw_score(axes[0, 1], everything, "classes", "silhouette")
    axes[0, 1].set(title="Silhouette of the classes", ylabel="mean silhouette", ylim=(None, 1.15))
    reach(axes[0, 1], 0, 1)
    for method in METHODS:
        _draw_method(axes[0, 2], everything[everything["site"] == "cls"], method)
    axes[0, 2].set(title="Clusters of [CLS] against the classes", ylabel="adjusted Rand index", ylim=(None, 1.03))
    axes[0, 2].set_ylim(bottom=min(0, axes[0, 2].get_ylim()[0]))
    axes[0, 2].legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), fontsize=7)
    _draw_components(axes[1, 0], components)
    image = _draw_classes(axes[1, 1], table, shown)
    figure.colorbar(image, ax=axes[1, 1], label="k-NN accuracy")
    _draw_outputs(axes[1, 2], everything)
    for axis in axes[:2, 3:].flat:
        axis.set_visible(False)
    styles = {name: {"color": class_colours(classes)[name], "marker": class_markers(classes)[name]} for name in shown}
    flat = maps[maps["dimensions"] == 2].set_index(["site", "layer", "method"]).sort_index()
    for column, place in enumerate(places):
        for axis, (method, title) in zip(axes[2:, column], MAPS.items(), strict=True):
            _draw_map(axis, flat.loc[[(*place, method)]], styles)
            axis.set_title(f"{title}: {place_name(*place)}")
    for axis in axes[2:, len(places) :].flat:
        axis.set_visible(False)

    counts = table[(table["site"] == "cls") & (table["statistic"] == "silhouette")].groupby("class")["n"].max()
    handles = [
        axes[2, 0].plot([], [], linestyle="", label=f"{name} (n = {counts[name]})", **styles[name])[0] for name in shown
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    note = note_missing(chosen, present)
    figure.suptitle(f"Classes in the representations of sequences, n = {counts[ALL_CLASSES]} distinct sequences{note}")
    return figure


def _in_order(places: pd.DataFrame) -> list[tuple[str, float]]:
    """Representations (site, layer) from the embeddings up."""
    return sorted(places.drop_duplicates().itertuples(index=False, name=None), key=lambda place: place[1])


def place_name(site: str, layer: float) -> str:
    """A representation in words."""
    return f"{SITES[site]}, layer {layer:g}" if layer else f"{SITES[site]}, embeddings"


def _draw_score(axis: Axes, rows: pd.DataFrame, method: str, statistic: str) -> None:
    """A score by layer with its interval, of [CLS] and of the mean k-mer."""
    rows = rows[(rows["method"] == method) & (rows["statistic"] == statistic)]
    for site, label in SITES.items():
        points = rows[rows["site"] == site].sort_values("layer")
        style = SITE_STYLES[site]
        axis.plot(points["layer"], points["value"], markersize=4, label=f"{label} (n = {points['n'].max()})", **style)
        axis.fill_between(points["layer"], points["low"], points["high"], color=style["color"], alpha=0.15, linewidth=0)
    if rows.loc[rows["site"] == "cls", "value"].isna().any():
        axis.annotate("[CLS] is the same\nat layer 0 in all", (0.02, 0.97), xycoords="axes fraction", va="top", size=8)
    _layer_axis(axis, rows)


def _draw_method(axis: Axes, rows: pd.DataFrame, method: str) -> None:
    label, colour, line = METHODS[method]
    points = rows[(rows["method"] == method) & (rows["statistic"] == "ari")].sort_values("layer")
    axis.plot(points["layer"], points["value"], line, color=colour, marker=".", label=label)
    axis.fill_between(points["layer"], points["low"], points["high"], color=colour, alpha=0.15, linewidth=0)
    _layer_axis(axis, points)


def _draw_components(axis: Axes, components: pd.DataFrame) -> None:
    """Variance that the first components hold together, a line a layer; [CLS]."""
    rows = components[(components["site"] == "cls") & (components["layer"] > 0)]
    layers = sorted(rows["layer"].unique())
    shades = dict(zip(layers, np.linspace(0.75, 0, len(layers)), strict=True))
    for layer in layers:
        shares = rows.loc[rows["layer"] == layer, "share"].cumsum()
        label = f"layer {layer:g}" if layer in (layers[0], layers[-1]) else None
        axis.plot(range(1, len(shares) + 1), shares, color=str(shades[layer]), marker=".", markersize=3, label=label)
    axis.set(title="Principal components of [CLS]", xlabel="first components", ylabel="share of the variance")
    axis.set(xscale="log", ylim=(0, 1.03))
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=2, fontsize=7)


def _draw_classes(axis: Axes, table: pd.DataFrame, shown: list[str]):
    """k-NN accuracy for each class by layer, [CLS]."""
    rows = table[(table["site"] == "cls") & (table["statistic"] == "accuracy") & (table["class"] != ALL_CLASSES)]
    grid = rows.pivot_table(index="class", columns="layer", values="value").reindex(shown)
    image = axis.imshow(grid, cmap=SEQUENTIAL, vmin=0, vmax=1, aspect="auto")
    axis.set_yticks(range(len(shown)), shown)
    axis.set_xticks(range(grid.shape[1]), [f"{layer:g}" for layer in grid.columns])
    axis.set(title="k-NN accuracy of [CLS], by class", xlabel="layer")
    return image


def _draw_outputs(axis: Axes, rows: pd.DataFrame) -> None:
    """Scores of what the classifier makes of [CLS] of the last layer."""
    last = rows["layer"].max()
    places = [rows[(rows["site"] == "cls") & (rows["layer"] == last)], *(rows[rows["site"] == s] for s in OUTPUTS)]
    scores = {
        "accuracy": ("neighbours", "k-NN"),
        "silhouette": ("classes", "silhouette"),
        "ari": ("kmeans", "k-means, ARI"),
    }
    lowest = 0.0
    for offset, (statistic, (method, label)) in zip((-0.25, 0, 0.25), scores.items(), strict=True):
        found = [place[(place["method"] == method) & (place["statistic"] == statistic)] for place in places]
        points = pd.concat(found)
        errors = [points["value"] - points["low"], points["high"] - points["value"]]
        lowest = np.nanmin([lowest, *points["low"]])
        axis.errorbar(np.arange(4) + offset, points["value"], errors, fmt="o", markersize=4, capsize=2, label=label)
    axis.set_xticks(range(4), [f"[CLS],\nlayer {last:g}", *OUTPUTS])
    axis.set(title="From [CLS] to the probabilities", ylabel="score", ylim=(lowest - 0.03, 1.03))
    axis.legend(
        loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=3, fontsize=7, handletextpad=0.2, columnspacing=0.8
    )


def _draw_map(axis: Axes, points: pd.DataFrame, styles: dict[str, dict]) -> None:
    """Sequences as points; scales of such maps mean nothing and are left out."""
    for name, style in styles.items():
        of_class = points[points["class"] == name]
        axis.plot(of_class["x"], of_class["y"], linestyle="", markersize=4.5, alpha=0.75, **style)
    if points["x"].isna().all():
        axis.annotate("no map: all are equal,\nor fewer than ten", (0.5, 0.5), xycoords="axes fraction", ha="center")
    axis.set(xticks=[], yticks=[])


def _layer_axis(axis: Axes, rows: pd.DataFrame) -> None:
    layers = sorted(rows["layer"].dropna().unique())
    axis.set(xlabel="layer (0: embeddings)", xticks=layers[:: 1 + len(layers) // 14])
