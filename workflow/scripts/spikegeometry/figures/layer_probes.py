"""Figure of the layer probes: scores of the probes of every block, beside whole models."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from spikegeometry.figures.style import CYAN, LIME, RED, model_look, new_figure

READOUTS = {
    ("cls", "head"): ("[CLS], classifier's head fitted anew", CYAN, "o"),
    ("cls", "linear"): ("[CLS], linear", RED, "s"),
    ("kmers", "linear"): ("mean k-mer, linear", LIME, "^"),
}
WHOLE = ("finetuned", "kmer_logistic", "majority")
SCORES = {
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "log_prob": "log-probability of the class (nats)",
}
# Intervals of probes of one block stand side by side.
SHIFT = 0.1


def draw_layer_probes(table: pd.DataFrame) -> Figure:
    """A row for each set, a column for each score; intervals for the probes of blocks.

    `table`: set, representation, readout, block, statistic, value, n, low, high.
    """
    sets = list(dict.fromkeys(table["set"]))
    figure, axes = new_figure(10, 1.2 + 2.9 * len(sets), len(sets), len(SCORES), squeeze=False)
    for row, name in zip(axes, sets, strict=True):
        of_set = table[table["set"] == name]
        for axis, (score, label) in zip(row, SCORES.items(), strict=True):
            _draw_score(axis, of_set[of_set["statistic"] == score])
            axis.set(xlabel="block (0: embeddings)", ylabel=label)
            axis.set_title(f"{name}, n = {of_set['n'].max()} distinct sequences" if score == "accuracy" else "")
    blocks = [Line2D([], [], color=c, marker=m, markersize=4, label=label) for label, c, m in READOUTS.values()]
    whole = [Line2D([], [], label=model_look(model).name, **_whole(model)) for model in WHOLE]
    figure.legend(handles=[*blocks, *whole], loc="outside lower center", ncols=3)
    figure.suptitle("Class read out of every block of the fine-tuned model, frozen")
    return figure


def _whole(model: str) -> dict:
    """The line of a whole model."""
    look = model_look(model)
    return {"color": look.light, "linestyle": look.line, "linewidth": 1.2}


def _draw_score(axis: Axes, rows: pd.DataFrame) -> None:
    for number, ((representation, readout), (_, colour, marker)) in enumerate(READOUTS.items()):
        of = rows[(rows["representation"] == representation) & (rows["readout"] == readout)].sort_values("block")
        errors = [(of["value"] - of["low"]).fillna(0), (of["high"] - of["value"]).fillna(0)]
        places = of["block"] + SHIFT * (number - 1)
        style = {"color": colour, "marker": marker, "markersize": 4, "linewidth": 1.2, "elinewidth": 0.8}
        axis.errorbar(places, of["value"], errors, **style)
    for model in WHOLE:
        for value in rows.loc[(rows["representation"] == "whole") & (rows["readout"] == model), "value"]:
            axis.axhline(value, **_whole(model), zorder=0)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    if rows["value"].min() >= 0:
        axis.set_ylim(0, 1.03)
