"""Figures of the weights: their sizes, tails and LayerNorms by layer, and maps of them."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from spikegeometry.figures.style import DIVERGING, OTHER_COLOUR, SEQUENTIAL, class_colours, class_markers, new_figure

PRETRAINED, FINETUNED = "pretrained", "finetuned"
MATRICES = {
    "query": "query",
    "key": "key",
    "value": "value",
    "output": "attention output",
    "intermediate": "feed-forward in",
    "ffn_output": "feed-forward out",
}
GAINS = {"attention_norm.weight": "after attention", "output_norm.weight": "after feed-forward"}
BIASES = {"attention_norm.bias": "after attention", "output_norm.bias": "after feed-forward"}
# The statistics by layer: title, axis label, and the value of random weights.
SHOWN = (
    ("kurtosis", "Tails", "excess kurtosis", 0),
    ("sigma_1_ratio", "Largest singular value", "times that of random weights", 1),
    ("relative_change", "Change since pre-training", "$||W - W_0||\\ /\\ ||W_0||$", None),
)
# The kinds of maps, and their titles.
MAPS = {
    "weight": "Weights of the fine-tuned model",
    "change": "Weights of the fine-tuned model less those of the pre-trained one",
    "form": "Bilinear forms of the heads of the fine-tuned model",
}
PRETRAINED_STYLE = {"linestyle": ":", "linewidth": 1}
NORMAL_COLOUR = "#222222"


def draw_weight_statistics(
    table: pd.DataFrame, histograms: pd.DataFrame, coordinates: pd.DataFrame, rogue_z: float, rogue_layers: float
) -> Figure:
    """Tails, largest singular values and change by layer and model, histograms, LayerNorms, coordinates that stand out.

    `table`: model, layer, head, site, statistic, value; `histograms`: model, layer, site, centre, density;
    `coordinates`: model, site, coordinate, layers_share; `rogue_z` and `rogue_layers` are the thresholds of the latter.
    """
    table = pd.concat([table, _against_random(table, "sigma_1")])
    figure, axes = new_figure(10, 15.5, 5, 3)
    colours, markers = class_colours(list(MATRICES)), class_markers(list(MATRICES))
    for above, below, (statistic, title, label, chance) in zip(axes[0], axes[1], SHOWN, strict=True):
        for name in MATRICES:
            _draw_lines(above, table, name, statistic, color=colours[name], marker=markers[name], markersize=4)
        _draw_models(below, table[table["statistic"] == statistic])
        for axis, of in ((above, FINETUNED), (below, "all models")):
            if chance is not None:
                axis.axhline(chance, color=NORMAL_COLOUR, linestyle="--", linewidth=1)
            axis.set(title=f"{title}, {of}", ylabel=label)
    for axis, models in ((axes[0, 0], [PRETRAINED, FINETUNED]), (axes[1, 0], table["model"].unique())):
        rows = table[(table["statistic"] == "kurtosis") & table["model"].isin(models)]
        if rows["value"].max() > 5:
            axis.set_yscale("symlog", linthresh=1)
            axis.set_ylim(bottom=-1)
    if (table.loc[table["statistic"] == "relative_change", "value"] > 0).any():
        axes[1, 2].set_yscale("log")
    axes[1, 2].legend(*axes[1, 0].get_legend_handles_labels())
    handles = [
        Line2D([], [], color=colours[name], marker=markers[name], label=label) for name, label in MATRICES.items()
    ]

    for axis, (name, label) in zip(axes[2:4].flat, MATRICES.items(), strict=True):
        _draw_histogram(axis, histograms[histograms["site"] == name])
        axis.set_title(f"Histogram: {label}")
    for axis, names, what in ((axes[4, 0], GAINS, "gain"), (axes[4, 1], BIASES, "bias")):
        for colour, (name, label) in zip(("#332288", "#CC6677"), names.items(), strict=True):
            _draw_lines(axis, table, name, "mean", color=colour, marker=".", label=label)
            for bound in ("min", "max"):
                _draw_lines(axis, table, name, bound, color=colour, alpha=0.5)
        axis.set(title=f"LayerNorm: {what}", ylabel=f"{what}: mean, smallest, largest")
        axis.legend()
    for axis in (*axes[0], *axes[1], *axes[4, :2]):
        axis.set_xlabel("layer")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    _draw_coordinates(axes[4, 2], coordinates[coordinates["model"] == FINETUNED], rogue_z, rogue_layers)

    handles += [
        Line2D([], [], color=NORMAL_COLOUR, label=FINETUNED),
        Line2D([], [], color=NORMAL_COLOUR, label=PRETRAINED, **PRETRAINED_STYLE),
        Line2D([], [], color=NORMAL_COLOUR, linestyle="--", linewidth=1, label="random normal weights"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=5)
    figure.suptitle(f"Weights and LayerNorms of {table['layer'].nunique()} layers")
    return figure


def draw_maps(maps: Mapping[str, np.ndarray], kind: str) -> Figure:
    """Maps of one kind of MAPS, a row for each layer; `maps` has images between -1 and 1 by `kind.layer.column`."""
    places = [name.split(".")[1:] for name in maps if name.startswith(f"{kind}.")]
    layers, columns = (list(dict.fromkeys(place[axis] for place in places)) for axis in (0, 1))
    figure, axes = new_figure(8, 1 + 7 * len(layers) / len(columns), len(layers), len(columns), squeeze=False)
    for row, layer in zip(axes, layers, strict=True):
        for axis, column in zip(row, columns, strict=True):
            image = axis.imshow(
                maps[f"{kind}.{layer}.{column}"].astype(float), cmap=DIVERGING, vmin=-1, vmax=1, aspect="auto"
            )
            axis.set(xticks=[], yticks=[])
    for axis, column in zip(axes[0], columns, strict=True):
        axis.set_title(f"head {column}" if kind == "form" else MATRICES[column], size=8)
    for axis, layer in zip(axes[:, 0], layers, strict=True):
        axis.set_ylabel(f"layer {layer}", size=8)
    figure.colorbar(
        image,
        ax=axes,
        location="bottom",
        shrink=0.4,
        aspect=40,
        label="mean of a block, over the 99.9th percentile of its map",
    )
    figure.suptitle(MAPS[kind])
    return figure


def _against_random(table: pd.DataFrame, statistic: str) -> pd.DataFrame:
    """The statistic over its value for random weights, as `statistic_ratio`."""
    keys = ["model", "layer", "site"]
    both = [table[table["statistic"] == name].set_index(keys)["value"] for name in (statistic, f"{statistic}_random")]
    return (both[0] / both[1]).rename("value").reset_index().assign(statistic=f"{statistic}_ratio")


def _draw_lines(axis: Axes, table: pd.DataFrame, site: str, statistic: str, label: str | None = None, **style) -> None:
    """The statistic by layer in the fine-tuned model, and dotted in the pre-trained one."""
    rows = table[(table["site"] == site) & (table["statistic"] == statistic)]
    start, end = (rows[rows["model"] == name] for name in (PRETRAINED, FINETUNED))
    axis.plot(end["layer"], end["value"], label=label, **style | {"linewidth": 1.2})
    if statistic != "relative_change":
        axis.plot(start["layer"], start["value"], **style | {"marker": ""} | PRETRAINED_STYLE)


def _draw_models(axis: Axes, rows: pd.DataFrame) -> None:
    """Mean over the weight matrices by layer in each model as a line, and their range as bars beside each other."""
    rows = rows[rows["site"].isin(list(MATRICES)) & ~((rows["model"] == PRETRAINED) & (rows["value"] == 0))]
    models = list(rows["model"].unique())
    others = [name for name in models if name != PRETRAINED]
    colours, markers = class_colours(others) | {PRETRAINED: OTHER_COLOUR}, class_markers([PRETRAINED, *others])
    for place, name in enumerate(models):
        found = rows[rows["model"] == name].groupby("layer")["value"].agg(["mean", "min", "max"])
        layers = found.index + 0.4 * ((place + 0.5) / len(models) - 0.5)
        reach = [found["mean"] - found["min"], found["max"] - found["mean"]]
        axis.errorbar(
            layers,
            found["mean"],
            reach,
            color=colours[name],
            marker=markers[name],
            markersize=4,
            linewidth=1,
            label=name,
        )


def _draw_histogram(axis: Axes, rows: pd.DataFrame) -> None:
    layers = sorted(rows["layer"].unique())
    colours = colormaps[SEQUENTIAL](np.linspace(0, 0.9, len(layers)))
    for layer, colour in zip(layers, colours, strict=True):
        for model, style in ((PRETRAINED, PRETRAINED_STYLE), (FINETUNED, {"linewidth": 1})):
            line = rows[(rows["model"] == model) & (rows["layer"] == layer) & (rows["density"] > 0)]
            label = f"layer {layer}" if model == FINETUNED and layer in (layers[0], layers[-1]) else None
            axis.plot(line["centre"], line["density"], color=colour, label=label, **style)
    centres = np.unique(rows["centre"])
    axis.plot(centres, np.exp(-(centres**2) / 2) / np.sqrt(2 * np.pi), "--", color=NORMAL_COLOUR, linewidth=1)
    smallest = rows.loc[rows["density"] > 0, "density"].min()
    axis.set(yscale="log", ylim=(smallest / 2, 2), xlim=(centres[0], centres[-1]))
    axis.set(xlabel="weight / sd when pre-trained", ylabel="density")
    axis.legend()


def _draw_coordinates(axis: Axes, rows: pd.DataFrame, rogue_z: float, rogue_layers: float) -> None:
    """Share of the layers in which a coordinate stands out, for those that do anywhere."""
    for name, colour, marker in zip((*GAINS, *BIASES), ("#332288", "#CC6677") * 2, "ooxx", strict=True):
        found = rows[(rows["site"] == name) & (rows["layers_share"] > 0)]
        place, what = (GAINS | BIASES)[name], "gain" if name in GAINS else "bias"
        axis.plot(found["coordinate"], found["layers_share"], marker, color=colour, alpha=0.7, label=f"{what} {place}")
    axis.axhline(rogue_layers, color=NORMAL_COLOUR, linestyle="--", linewidth=1)
    if not (rows["layers_share"] > 0).any():
        axis.text(0.5, 0.15, "no coordinate stands out", transform=axis.transAxes, ha="center", va="center")
    axis.set(xlim=(-1, rows["coordinate"].max() + 1), ylim=(-0.03, 1.6), yticks=np.linspace(0, 1, 6))
    axis.set(title="Coordinates that stand out", xlabel="coordinate", ylabel=f"share of layers with |z| > {rogue_z:g}")
    axis.legend()
