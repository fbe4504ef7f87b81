"""Figure of the attention shift: the fine-tuned model's heads against those of the pre-trained one and the controls."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from spikegeometry.figures.style import (
    CYAN,
    GREY,
    INK,
    LIME,
    SEQUENTIAL,
    WINE,
    model_look,
    model_style,
    new_figure,
    note_missing,
)

ALL_CLASSES = "all"
TARGETS = {
    "special": ("to [CLS] and [SEP]", CYAN, "D"),
    "to_prev": ("to the token before", LIME, "<"),
    "to_next": ("to the token after", WINE, ">"),
}
LINES = {
    "cosine": "Cosine of the attention maps",
    "js": "Divergence of the attention",
    "cka": "Similarity of the layers' outputs",
    "weight_change": "Change of query and key weights",
}
AXES = {
    "cosine": "cosine",
    "js": "Jensen-Shannon divergence (bits)",
    "cka": "linear CKA",
    "weight_change": "‖W − W other‖ / ‖W other‖",
}
ACROSS = 3
# Heads of which a map has room for the numbers.
NUMBERS_ACROSS = 8
MAX_TICKS = 12


def draw_attention_shift(table: pd.DataFrame, attention: pd.DataFrame, chosen: list[str]) -> Figure:
    """Over the sequences of all classes: cosines by head, what is measured by layer, and where attention went before.

    `table`: class, against, layer, head, statistic, value, n, low, high; `attention`: class, model, layer, head,
    statistic, value; `chosen`: the classes that were asked for.
    """
    everything = table[table["class"] == ALL_CLASSES]
    others = list(dict.fromkeys(everything["against"]))
    maps = -(-len(others) // ACROSS)
    mosaic = 0.9 + 0.26 * everything.loc[everything["head"].notna(), "layer"].nunique()
    figure, axes = new_figure(10, maps * mosaic + 6.4, maps + 2, ACROSS, height_ratios=[mosaic] * maps + [2.9, 2.9])
    of_heads = everything[everything["head"].notna() & everything["statistic"].isin(["cosine", "matched_head"])]
    for axis, other in zip(axes[:maps].flat, others, strict=False):
        drawn = _draw_heads(axis, of_heads[of_heads["against"] == other])
        axis.set_title(f"Cosine, {model_look(other).name}")
    for axis in axes[:maps].flat[len(others) :]:
        axis.axis("off")
    figure.colorbar(drawn, ax=axes[:maps], label="cosine", aspect=12 * maps)

    of_layers = everything[everything["head"].isna()]
    for axis, (statistic, title) in zip([*axes[maps], axes[-1, 0]], LINES.items(), strict=True):
        _draw_layers(axis, of_layers[of_layers["statistic"] == statistic], others)
        axis.set(title=title, ylabel=AXES[statistic])
    for statistic, style in {"matched": "--", "chance": ":"}.items():
        _draw_layers(axes[maps, 0], of_layers[of_layers["statistic"] == statistic], others, style)
    _draw_targets(axes[-1, 1], attention[attention["class"] == ALL_CLASSES])
    _draw_legend(axes[-1, 2], others)
    note = note_missing(chosen, table["class"])
    figure.suptitle(
        "Attention of the fine-tuned model against that of others, "
        f"n = {everything['n'].max():g} distinct sequences{note}"
    )
    return figure


def _style(model: str) -> dict:
    return {**model_style(model), "markersize": 4}


def _draw_heads(axis: Axes, rows: pd.DataFrame):
    """The mean cosine of each head, and below it the head of the other model that it matches best, if it is another."""
    cosines, partners = (
        rows[rows["statistic"] == name].pivot(index="layer", columns="head", values="value")
        for name in ("cosine", "matched_head")
    )
    drawn = axis.imshow(cosines, cmap=SEQUENTIAL, vmin=0, vmax=1, aspect="auto")
    for (row, column), cosine in np.ndenumerate(cosines.to_numpy()) if cosines.shape[1] <= NUMBERS_ACROSS else ():
        head, partner = cosines.columns[column], partners.iloc[row, column]
        best = "" if head == partner else f" →{partner:g}"
        text = axis.text(column, row, f"{cosine:.2f}".removeprefix("0") + best, ha="center", va="center", size=8)
        text.set_path_effects([withStroke(linewidth=2, foreground="white")])
    for set_ticks, labels in ((axis.set_xticks, cosines.columns), (axis.set_yticks, cosines.index)):
        step = -(-len(labels) // MAX_TICKS)
        set_ticks(range(0, len(labels), step), [f"{label:g}" for label in labels[::step]])
    axis.set(xlabel="head", ylabel="layer")
    return drawn


def _draw_layers(axis: Axes, rows: pd.DataFrame, others: list[str], line: str = "-") -> None:
    """Means by layer with their intervals; only full lines have markers."""
    for other in others:
        one = rows[rows["against"] == other].sort_values("layer")
        style = _style(other) | ({} if line == "-" else {"marker": ""})
        axis.plot(one["layer"], one["value"], linestyle=line, linewidth=1.2, **style)
        axis.fill_between(one["layer"], one["low"], one["high"], color=style["color"], alpha=0.2, linewidth=0)
    axis.set(xlabel="layer")
    axis.set_ylim(bottom=0)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))


def _draw_targets(axis: Axes, attention: pd.DataFrame) -> None:
    """Where the attention of each head goes, before fine-tuning and after it."""
    wide = attention.pivot(index=["model", "layer", "head"], columns="statistic", values="value")
    wide["special"] = wide["to_cls"] + wide["to_sep"]
    before, after = wide.loc["pretrained"], wide.loc["finetuned"]
    for target, (label, colour, marker) in TARGETS.items():
        style = {"color": colour, "marker": marker, "linewidth": 0}
        axis.scatter(before[target], after[target], s=22, label=label, **style)
    shown = wide.loc[["pretrained", "finetuned"], list(TARGETS)].to_numpy()
    shown = shown[shown > 0]
    ends = [shown.min() / 1.3, shown.max() * 1.3]
    axis.plot(ends, ends, color=GREY, linewidth=0.8, zorder=0)
    axis.set(xscale="log", yscale="log", xlim=ends, ylim=ends, title="Attention of each head, before and after")
    axis.set(xlabel="share of a token's attention, pre-trained", ylabel="share, fine-tuned")
    for ticks in (axis.xaxis, axis.yaxis):
        ticks.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ticks.set_major_formatter("{x:g}")
        ticks.set_minor_formatter(NullFormatter())
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, handlelength=1)


def _draw_legend(axis: Axes, others: list[str]) -> None:
    axis.axis("off")
    models = [Line2D([], [], label=model_look(other).name, **_style(other)) for other in others]
    kinds = {"-": "same head", "--": "best-matched head", ":": "chance: only the row sums in common"}
    lines = [Line2D([], [], color=INK, linestyle=line, label=label) for line, label in kinds.items()]
    axis.legend(handles=[*models, *lines], loc="center", title="fine-tuned against, and kinds of cosine")
