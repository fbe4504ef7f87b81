"""Figures of the weights: their sizes, tails and LayerNorms by layer, and maps of them."""

from collections.abc import Mapping
from math import erfc

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from spikegeometry.figures.style import (
    DIVERGING,
    INDIGO,
    INK,
    RED,
    class_styles,
    model_look,
    model_style,
    new_figure,
    reach,
)

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
NORM_COLOURS = (INDIGO, RED)
# The statistics by layer: title, axis label, the value of random weights, and what the axis shows at least.
SHOWN: tuple[tuple[str, str, str, float | None, tuple[float, float] | None], ...] = (
    ("kurtosis", "Tails", "excess kurtosis", 0, (-0.5, 0.5)),
    ("sigma_1_ratio", "Largest singular value", "times that of random weights", 1, (0.75, 1.25)),
    ("relative_change", "Change since pre-training", "$||W - W_0||\\ /\\ ||W_0||$", None, None),
)
# What the axes of the LayerNorms show at least.
LEAST_GAIN, LEAST_BIAS = (0.9, 1.1), (-0.05, 0.05)
# The kinds of maps, and their titles.
MAPS = {
    "weight": "Weights of the fine-tuned model",
    "change": "Weights of the fine-tuned model less those of the pre-trained one",
    "form": "Bilinear forms of the heads of the fine-tuned model",
}
# A map has a pattern where its largest singular value is so many times that of random maps of its size and rank.
PATTERN = 1.2
DRAWS = 3
# Singular values under this part of the largest are those of rounding.
ROUNDING = 0.01
PRETRAINED_STYLE = {"linestyle": ":", "linewidth": 1}
CHANCE_STYLE = {"color": INK, "linestyle": "--", "linewidth": 1}


def draw_weight_statistics(
    table: pd.DataFrame, histograms: pd.DataFrame, coordinates: pd.DataFrame, rogue_z: float, rogue_layers: float
) -> Figure:
    """Sizes by layer and model, tails against the normal law, stable ranks, LayerNorms, coordinates that stand out.

    `table`: model, layer, head, site, statistic, value; `histograms`: model, layer, site, centre, density;
    `coordinates`: model, site, coordinate, layers_share; `rogue_z` and `rogue_layers` are the thresholds of the latter.
    """
    table = pd.concat([table, *(_against_random(table, name) for name in ("sigma_1", "stable_rank"))])
    figure, axes = new_figure(10, 12.8, 4, 3)
    styles = class_styles(list(MATRICES))
    for above, below, (statistic, title, label, chance, least) in zip(axes[0], axes[1], SHOWN, strict=True):
        for name in MATRICES:
            _draw_lines(above, table, name, statistic, **styles[name])
        _draw_models(below, table[table["statistic"] == statistic])
        for axis, of in ((above, model_look(FINETUNED).name), (below, "all models")):
            if chance is not None:
                axis.axhline(chance, **CHANCE_STYLE)
            if least is not None:
                reach(axis, *least)
            axis.set(title=f"{title}, {of}", ylabel=label)
    for axis, models in ((axes[0, 0], [PRETRAINED, FINETUNED]), (axes[1, 0], table["model"].unique())):
        rows = table[(table["statistic"] == "kurtosis") & table["model"].isin(models)]
        if rows["value"].max() > 5:
            axis.set_yscale("symlog", linthresh=1)
            axis.set_ylim(bottom=-1)
    if (table.loc[table["statistic"] == "relative_change", "value"] > 0).any():
        axes[1, 2].set_yscale("log")
    axes[0, 2].set_ylim(bottom=0)

    for name in MATRICES:
        for model, style in ((PRETRAINED, PRETRAINED_STYLE), (FINETUNED, {"linewidth": 1.2})):
            rows = histograms[(histograms["site"] == name) & (histograms["model"] == model)]
            _draw_tail(axes[2, 0], rows, color=styles[name]["color"], **style)
        _draw_lines(axes[2, 2], table, name, "stable_rank_ratio", **styles[name])
    models = list(dict.fromkeys(histograms["model"]))
    for model in models:
        of_model = histograms[(histograms["model"] == model) & histograms["site"].isin(list(MATRICES))]
        _draw_tail(axes[2, 1], of_model, color=model_look(model).light, linestyle=model_look(model).line)
    for axis, what in ((axes[2, 0], "by matrix"), (axes[2, 1], "by model")):
        _draw_normal_tail(axis, histograms)
        axis.set(title=f"Weights far out, {what}", xlabel="|weight| / sd when pre-trained", ylabel="share beyond")
    axes[2, 2].axhline(1, **CHANCE_STYLE)
    reach(axes[2, 2], 0.5, 1.25)
    axes[2, 2].set(title="Stable rank, fine-tuned", ylabel="times that of random weights")

    for axis, names, what, least in ((axes[3, 0], GAINS, "gain", LEAST_GAIN), (axes[3, 1], BIASES, "bias", LEAST_BIAS)):
        for colour, (name, label) in zip(NORM_COLOURS, names.items(), strict=True):
            _draw_lines(axis, table, name, "mean", color=colour, marker=".", label=label)
            for bound in ("min", "max"):
                _draw_lines(axis, table, name, bound, color=colour, alpha=0.5)
        reach(axis, *least)
        axis.set(title=f"LayerNorm: {what}", ylabel=f"{what}: mean, smallest, largest")
        _legend_below(axis)
    for axis in (*axes[0], *axes[1], axes[2, 2], *axes[3, :2]):
        axis.set_xlabel("layer")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    _draw_coordinates(axes[3, 2], coordinates[coordinates["model"] == FINETUNED], rogue_z, rogue_layers)

    handles = [Line2D([], [], label=label, **styles[name]) for name, label in MATRICES.items()]
    handles += [Line2D([], [], label=model_look(name).name, **_style(name)) for name in table["model"].unique()]
    handles += [
        Line2D([], [], color=INK, label="a matrix: fine-tuned"),
        Line2D([], [], color=INK, label="a matrix: pre-trained", **PRETRAINED_STYLE),
        Line2D([], [], label="random normal weights", **CHANCE_STYLE),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=5)
    figure.suptitle(
        f"Weights and LayerNorms, n = {table['layer'].nunique()} layers of {table['model'].nunique()} models"
    )
    return figure


def draw_maps(maps: Mapping[str, np.ndarray], kind: str) -> Figure:
    """Maps of one kind of MAPS that have a pattern, a row for each layer; a line of text, where none has one.

    `maps` has images between -1 and 1 by `kind.layer.column`.
    """
    images = {tuple(name.split(".")[1:]): maps[name].astype(float) for name in maps if name.startswith(f"{kind}.")}
    strengths = {place: pattern_strength(image) for place, image in images.items()}
    with_pattern = sum(strength >= PATTERN for strength in strengths.values())
    title = f"{MAPS[kind]}, n = {with_pattern} maps with a pattern of {len(images)}"
    if not with_pattern:
        figure, axis = new_figure(8, 1.6)
        axis.axis("off")
        said = f"{max(strengths.values()):.2f} times those of random maps of their size and rank"
        axis.text(0.5, 0.5, f"No map is drawn: all are noise.\nLargest singular values: at most {said}.", ha="center")
        figure.suptitle(title)
        return figure
    layers, columns = (list(dict.fromkeys(place[axis] for place in images)) for axis in (0, 1))
    figure, axes = new_figure(8, 1 + 7 * len(layers) / len(columns), len(layers), len(columns), squeeze=False)
    for row, layer in zip(axes, layers, strict=True):
        for axis, column in zip(row, columns, strict=True):
            axis.set(xticks=[], yticks=[])
            if strengths[layer, column] < PATTERN:
                axis.text(0.5, 0.5, "noise", transform=axis.transAxes, ha="center", va="center")
                continue
            image = axis.imshow(images[layer, column], cmap=DIVERGING, vmin=-1, vmax=1, aspect="auto")
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
    figure.suptitle(title)
    return figure


def pattern_strength(image: np.ndarray) -> float:
    """Largest singular value of a map (m, n), its norm set to 1, over the largest of random maps of its size and rank.

    Random maps have normal entries, those of lower rank are products of two such. 0 for a map of zeros.
    """
    values = np.linalg.svd(image, compute_uv=False)
    if not values[0] > 0:
        return 0.0
    rows, columns = image.shape
    rank = int((values > ROUNDING * values[0]).sum())
    generator = np.random.default_rng(0)
    chance = []
    for _ in range(DRAWS):
        drawn = generator.standard_normal((rows, columns))
        if rank < 0.9 * min(rows, columns):
            drawn = generator.standard_normal((rows, rank)) @ generator.standard_normal((rank, columns))
        chance.append(np.linalg.norm(drawn, 2) / np.linalg.norm(drawn))
    return float(values[0] / np.linalg.norm(values) / max(chance))


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


def _style(model: str) -> dict:
    return {**model_style(model), "markersize": 4, "linewidth": 1}


def _draw_models(axis: Axes, rows: pd.DataFrame) -> None:
    """Mean over the weight matrices by layer in each model as a line, and their range as bars beside each other."""
    rows = rows[rows["site"].isin(list(MATRICES)) & ~((rows["model"] == PRETRAINED) & (rows["value"] == 0))]
    models = list(rows["model"].unique())
    for place, name in enumerate(models):
        found = rows[rows["model"] == name].groupby("layer")["value"].agg(["mean", "min", "max"])
        layers = found.index + 0.4 * ((place + 0.5) / len(models) - 0.5)
        spread = [found["mean"] - found["min"], found["max"] - found["mean"]]
        axis.errorbar(layers, found["mean"], spread, **_style(name))


def _draw_tail(axis: Axes, rows: pd.DataFrame, **style) -> None:
    """Share of the weights of all layers that are farther from 0 than so many standard deviations."""
    layers = rows.assign(far=rows["centre"].abs().round(6)).groupby("far")["density"].sum()
    beyond = layers[::-1].cumsum()[::-1] / layers.sum()
    edges = beyond.index - _half_width(rows)
    axis.plot(edges[beyond > 0], beyond[beyond > 0], **style)


def _half_width(rows: pd.DataFrame) -> float:
    return float(np.diff(np.unique(rows["centre"])).min()) / 2


def _draw_normal_tail(axis: Axes, histograms: pd.DataFrame) -> None:
    """The share beyond of the normal law, and the axes as far as any weight goes."""
    some = histograms.loc[histograms["density"] > 0, "centre"].abs().max()
    places = np.linspace(0, some, 200)
    axis.plot(places, [erfc(place / 2**0.5) for place in places], **CHANCE_STYLE)
    smallest = min(line.get_ydata()[-1] for line in axis.lines[:-1] if len(line.get_ydata()))
    axis.set(yscale="log", xlim=(0, None), ylim=(smallest / 3, 2))


def _draw_coordinates(axis: Axes, rows: pd.DataFrame, rogue_z: float, rogue_layers: float) -> None:
    """Share of the layers in which a coordinate stands out, for those that do anywhere."""
    if not (rows["layers_share"] > 0).any():
        axis.axis("off")
        said = (
            f"No coordinate of {rows['coordinate'].nunique()} stands out:\n|z| is {rogue_z:g} or less in every layer."
        )
        axis.text(0.5, 0.5, said, transform=axis.transAxes, ha="center", va="center")
        return
    for name, colour, marker in zip((*GAINS, *BIASES), NORM_COLOURS * 2, "ooxx", strict=True):
        found = rows[(rows["site"] == name) & (rows["layers_share"] > 0)]
        place, what = (GAINS | BIASES)[name], "gain" if name in GAINS else "bias"
        axis.plot(found["coordinate"], found["layers_share"], marker, color=colour, alpha=0.7, label=f"{what} {place}")
    axis.axhline(rogue_layers, **CHANCE_STYLE)
    axis.set(xlim=(-1, rows["coordinate"].max() + 1), ylim=(-0.03, 1.05))
    axis.set(title="Coordinates that stand out", xlabel="coordinate", ylabel=f"share of layers with |z| > {rogue_z:g}")
    _legend_below(axis)


def _legend_below(axis: Axes) -> None:
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=2, handlelength=1.2, columnspacing=1)
