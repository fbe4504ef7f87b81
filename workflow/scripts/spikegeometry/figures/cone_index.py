"""Figure of the cone index: by layer at every site, of sequences, by variant, and from sequence to sequence."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from spikegeometry.figures.style import GREY, INK, class_styles, new_figure, note_missing

ALL_CLASSES = "all"
# Sites before the LayerNorm of the embeddings, left of the blocks' inputs, and those after the last layer.
EMBEDDINGS = {"embed_word": "word", "embed_sum": "sum"}
OUTPUTS = ("pooled", "logits", "softmax")
SITES = {
    "input": "Embeddings before LayerNorm, block input",
    "head": "Outputs of the heads (grey: each head)",
    "concat": "Heads side by side",
    "mha": "Output projection",
    "attn_out": "Attention output, after LayerNorm",
    "output": "Block output",
}
ALL_STYLE = {"color": INK, "marker": ".", "linestyle": "--"}
VARIANTS = {
    "all": ("all tokens", "-"),
    "without_special": ("without [CLS] and [SEP]", "--"),
    "without_rogue": ("without rogue coordinates", "-."),
    "centred": ("mean-centred", ":"),
}
BAND_COLOUR = "#D5D5D5"
# Names of classes that have room beside each other when they slant.
SLANTING = 10
RESULTANT = "mean resultant length R"


def draw_cone_index(table: pd.DataFrame, sequences: pd.DataFrame, classes: list[str], chosen: list[str]) -> Figure:
    """Mean resultant length by layer with the band of random directions, and mean cosines of single sequences.

    `table`: class, layer, head, site, axis, variant, statistic, value, n; `sequences`: the measurements of single
    sequences behind its rows of the axis `tokens`; `classes`: all classes of the run, in the order of their colours;
    `chosen`: those that were asked for.
    """
    present = set(table["class"])
    shown = [name for name in classes if name in present]
    styles = class_styles(classes)
    tokens = table[table["axis"] == "tokens"]
    whole = tokens[tokens["variant"] == "all"]
    figure, axes = new_figure(10, 10, 3, 3)
    for axis, (site, title) in zip(axes[:2].flat, SITES.items(), strict=True):
        _draw_layers(axis, whole[whole["site"] == site], shown, styles)
        axis.set_title(title)
    _draw_embeddings(axes[0, 0], whole, shown, styles)
    of_sequences = table[(table["axis"] == "sequences") & (table["variant"] == "all")]
    _draw_classes_of_sequences(axes[2, 0], of_sequences, shown, styles)
    _draw_variants(axes[2, 1], tokens[(tokens["class"] == ALL_CLASSES) & (tokens["site"] == "output")])
    last = sequences["layer"].max()
    outputs = (sequences["site"] == "output") & (sequences["variant"] == "all") & (sequences["layer"] == last)
    _draw_sequences(axes[2, 2], sequences[outputs], shown, styles)
    axes[2, 2].set_title(f"Block output of layer {last}: each sequence")

    counts = whole[(whole["site"] == "output") & (whole["statistic"] == "R")].groupby("class")["n"].max()
    lines = [axes[0, 0].plot([], [], label=f"{name} (n = {counts.get(name, 0)})", **styles[name])[0] for name in shown]
    lines.append(Line2D([], [], label="all classes", **ALL_STYLE))
    band = Patch(color=BAND_COLOUR, label="random directions (95%)")
    figure.legend(handles=[*lines, band], loc="outside lower center", ncols=5)
    note = note_missing(chosen, present)
    figure.suptitle(f"Cone index of token vectors by layer, n = {counts[ALL_CLASSES]} distinct sequences{note}")
    return figure


def _draw_layers(axis: Axes, rows: pd.DataFrame, shown: list[str], styles: dict[str, dict]) -> None:
    """R by layer: classes as lines (for heads, the mean over them), all classes' random directions as a band."""
    floor = rows[rows["class"] == ALL_CLASSES].groupby("statistic")["value"].mean()
    axis.axhspan(floor["R_random_low"], floor["R_random_high"], color=BAND_COLOUR, linewidth=0)
    resultants = rows[rows["statistic"] == "R"]
    for _, head in resultants[resultants["class"] == ALL_CLASSES].groupby("head"):
        axis.plot(head["layer"], head["value"], color="#BBBBBB", linewidth=0.7, zorder=1)
    for name in shown:
        means = resultants[resultants["class"] == name].groupby("layer")["value"].mean()
        axis.plot(means.index, means, linewidth=1.2, **styles[name])
    axis.set(ylabel=RESULTANT, ylim=(0, 1.03))
    _layer_axis(axis)


def _draw_embeddings(axis: Axes, rows: pd.DataFrame, shown: list[str], styles: dict[str, dict]) -> None:
    """R of the embeddings before LayerNorm, left of layer 1, whose input comes after LayerNorm."""
    resultants = rows[rows["statistic"] == "R"].groupby(["class", "site"])["value"].first()
    for place, site in enumerate(EMBEDDINGS, start=1 - len(EMBEDDINGS)):
        for name in shown:
            axis.plot(place, resultants[name, site], linestyle="", **styles[name])
    layers = sorted(rows.loc[rows["site"] == "input", "layer"].unique())
    _name_places(axis, dict(enumerate(EMBEDDINGS.values(), start=1 - len(EMBEDDINGS))), layers)


def _draw_classes_of_sequences(axis: Axes, rows: pd.DataFrame, shown: list[str], styles: dict[str, dict]) -> None:
    """Mean cosine of two sequences of a class by layer, and of what is read out of the last; unlike R it does not hang
    on their number."""
    cosines = rows[rows["statistic"] == "mean_cosine"]
    layers = sorted(cosines["layer"].dropna().unique())
    last = int(max(layers, default=0))
    outputs = dict(enumerate(OUTPUTS, start=last + 1))
    for name in [*shown, ALL_CLASSES]:
        style = ALL_STYLE if name == ALL_CLASSES else styles[name]
        own = cosines[cosines["class"] == name].set_index("site")["value"]
        points = cosines[(cosines["class"] == name) & (cosines["site"] == "cls")]
        axis.plot(points["layer"], points["value"], linewidth=1.2, **style)
        axis.plot([*outputs], [own.get(site, np.nan) for site in OUTPUTS], **style | {"linestyle": ""})
    axis.axhline(0, color=GREY, linewidth=1)
    axis.set(title="[CLS] of the sequences of a class", ylabel="mean cosine of two sequences", xlabel="layer, output")
    _name_places(axis, outputs, layers)


def _draw_variants(axis: Axes, rows: pd.DataFrame) -> None:
    resultants = rows[rows["statistic"] == "R"]
    for variant, (label, line) in VARIANTS.items():
        points = resultants[resultants["variant"] == variant]
        axis.plot(points["layer"], points["value"], line, color=INK, marker=".", label=label)
    axis.set_title("Block output by variant, all classes")
    axis.set(ylabel=RESULTANT, ylim=(0, 1.03))
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), fontsize=7)
    _layer_axis(axis)


def _draw_sequences(axis: Axes, rows: pd.DataFrame, shown: list[str], styles: dict[str, dict]) -> None:
    """Mean cosine of each sequence by class, spread sideways by rank, and the class mean as a line."""
    for place, name in enumerate(shown):
        values = np.sort(rows.loc[rows["class"] == name, "mean_cosine"])
        spread = np.linspace(-0.25, 0.25, len(values)) if len(values) > 1 else [0]
        axis.plot(place + np.array(spread), values, linestyle="", alpha=0.8, **styles[name])
        if len(values):
            axis.hlines(np.mean(values), place - 0.35, place + 0.35, color=INK, linewidth=1)
    turned = {"rotation": 45, "ha": "right"} if len(shown) <= SLANTING else {"rotation": 90}
    axis.set_xticks(range(len(shown)), shown, **turned)
    axis.set_ylabel("mean cosine of two tokens (random: 0)")


def _name_places(axis: Axes, names: dict[int, str], layers: list[float]) -> None:
    """Ticks at some of the layers, at most six, and at the places that have names."""
    ticks = {int(layer): f"{layer:g}" for layer in layers[:: 1 + max(len(layers) - 1, 0) // 6]} | names
    axis.set_xticks(list(ticks), list(ticks.values()))
    for label in axis.get_xticklabels():
        label.set_rotation(90 if label.get_text() in names.values() else 0)


def _layer_axis(axis: Axes) -> None:
    axis.set_xlabel("layer")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
