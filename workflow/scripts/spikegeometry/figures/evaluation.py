"""Figures of the evaluation of one set: confusion matrix, curves, calibration, and models side by side."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spikegeometry.figures.style import (
    CYAN,
    GREY,
    INDIGO,
    LINES,
    PALETTE,
    RED,
    SEQUENTIAL,
    class_colours,
    model_look,
    model_style,
    new_figure,
)

SHOWN_METRICS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "log_loss": "log loss (nats)",
    "ece": "calibration error (ECE)",
}
UP_TO_ONE = ("accuracy", "balanced_accuracy", "macro_f1")
MODEL = "Fine-tuned model"
# Classes that matrices side by side and curves of one width have room for.
SIDE_BY_SIDE, CURVES = 12, 8


def draw_confusion(table: pd.DataFrame, name: str) -> Figure:
    """Counts and row shares of true (rows) against predicted classes of the set `name`.

    `table`: true, predicted, count, share, each pair of classes once; a class without a sequence has no shares.
    """
    classes = list(dict.fromkeys(table["true"]))
    counts, shares = (
        table.pivot(index="true", columns="predicted", values=value).loc[classes, classes].to_numpy(float)
        for value in ("count", "share")
    )
    if len(classes) <= SIDE_BY_SIDE:
        figure, axes = new_figure(9.5, 4.7, 1, 2, sharey=True)
        leftmost = axes[:1]
    else:
        figure, axes = new_figure(9.5, 2.5 + 0.6 * len(classes), 2, 1)
        leftmost = axes
    # Counts are coloured by their share too, so that small classes are as legible as large ones.
    for axis, values, form, title in ((axes[0], counts, ".0f", "sequences"), (axes[1], shares, ".2f", "share of row")):
        image = axis.imshow(shares, cmap=SEQUENTIAL, vmin=0, vmax=1)
        for row, column in np.argwhere(values > 0):
            colour = "black" if shares[row, column] > 0.5 else "white"
            axis.text(column, row, format(values[row, column], form), ha="center", va="center", color=colour, size=8)
        axis.set_xticks(range(len(classes)), classes, rotation=45, ha="right")
        axis.set_title(title)
        axis.set_xlabel("predicted class")
    rows = [f"{label} (n = {n:.0f})" for label, n in zip(classes, counts.sum(1), strict=True)]
    for axis in leftmost:
        axis.set(yticks=range(len(classes)), yticklabels=rows, ylabel="true class")
    figure.colorbar(image, ax=axes, label="share of the true class's sequences", shrink=0.8)
    figure.suptitle(f"{MODEL} on {name}: confusion matrix, n = {counts.sum():.0f}")
    return figure


def draw_curves(curves: pd.DataFrame, metrics: pd.DataFrame, name: str) -> Figure:
    """Precision-recall and ROC curves, each class against all others, over all sequences of the set `name`.

    `curves`: class, false_positive_rate, recall, precision; `metrics`: the metric table, for areas and intervals.
    """
    classes = list(dict.fromkeys(curves["class"]))
    # Square panels would leave the legends no room: these have their own, in inches.
    legends, gap = 0.175 * (len(classes) + 3), 0.1
    height = 5 + legends + gap
    figure, (precision_recall, roc) = new_figure(10, height, 1, 2)
    figure.get_layout_engine().set(rect=(0, (legends + gap) / height, 1, 5 / height))
    known = list(dict.fromkeys(metrics.loc[metrics["class"] != "", "class"]))
    colours = class_colours(known)
    for rank, label in enumerate(classes):
        points = curves[curves["class"] == label]
        # Later classes are drawn thinner, so that curves on top of each other can all be seen.
        later = (len(classes) - 1 - rank) / max(len(classes) - 1, CURVES - 1)
        line = LINES[known.index(label) // len(PALETTE) % len(LINES)]
        style = {"color": colours[label], "linestyle": line, "linewidth": 1.2 + 5 * later}
        precision_recall.plot(
            points["recall"],
            points["precision"],
            drawstyle="steps-pre",
            label=f"{label}: {_with_interval(metrics, 'average_precision', label)}",
            **style,
        )
        roc.plot(
            points["false_positive_rate"],
            points["recall"],
            label=f"{label}: {_with_interval(metrics, 'auroc', label)}",
            **style,
        )
    roc.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="chance: 0.500")
    for axis, title, x, y, place in (
        (precision_recall, "average precision", "recall", "precision", 0.25),
        (roc, "area under the ROC curve", "false positive rate", "recall (true positive rate)", 0.75),
    ):
        axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.05), xlabel=x, ylabel=y, box_aspect=1)
        if classes:
            legend = axis.legend(
                title=f"class: {title} [interval], sequences",
                loc="upper center",
                bbox_to_anchor=(place, legends / height),
                bbox_transform=figure.transFigure,
            )
            legend.set_in_layout(False)
        else:
            _say_empty(axis)
    figure.suptitle(f"{MODEL} on {name}: one class against the rest, n = {_total(metrics)}")
    return figure


def draw_calibration(table: pd.DataFrame, metrics: pd.DataFrame, name: str) -> Figure:
    """Reliability diagram: accuracy against confidence by bin, over the number of sequences of each bin.

    `table`: bin_low, bin_high, n, confidence, accuracy; `metrics`: the metric table, for the calibration error.
    """
    figure, (reliability, histogram) = new_figure(6, 6, 2, 1, sharex=True, height_ratios=[3, 1.2])
    filled = table[table["n"] > 0]
    width = table["bin_high"] - table["bin_low"]
    reliability.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="perfect calibration")
    reliability.vlines(filled["confidence"], filled["confidence"], filled["accuracy"], color=RED, label="gap")
    reliability.plot(filled["confidence"], filled["accuracy"], "o", color=INDIGO, label="bin")
    reliability.set(ylabel="accuracy (share correct)", ylim=(-0.03, 1.05), xlim=(-0.02, 1.02))
    if filled.empty:
        _say_empty(reliability)
    else:
        figure.legend(loc="outside lower center", ncols=3)
    bars = histogram.bar(table["bin_low"], table["n"], width, align="edge", color=CYAN, edgecolor="white")
    histogram.bar_label(bars, [str(n) if n else "" for n in table["n"]], size=8)
    histogram.margins(y=0.25)
    histogram.set(xlabel="confidence (largest class probability)", ylabel="sequences")
    histogram.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    error = _with_interval(metrics, "ece", "", counted=False)
    figure.suptitle(f"{MODEL} on {name}: calibration, ECE = {error}, n = {_total(metrics)}")
    return figure


def draw_metrics(metrics: pd.DataFrame, name: str) -> Figure:
    """Metrics over all classes with their intervals, one row a model, for the set `name`.

    `metrics`: the metric table with the column model.
    """
    overall = metrics[metrics["class"] == ""]
    models = list(dict.fromkeys(overall["model"]))
    figure, axes = new_figure(10, 1.6 + 0.35 * len(models), 1, len(SHOWN_METRICS), sharey=True)
    for axis, (metric, title) in zip(axes, SHOWN_METRICS.items(), strict=True):
        rows = overall[overall["metric"] == metric].set_index("model").loc[models]
        for place, (model, row) in enumerate(rows.iterrows()):
            style = model_style(model)
            axis.plot([row["low"], row["high"]], [place, place], **style | {"marker": "|"}, linewidth=1.5, markersize=8)
            axis.plot(row["value"], place, **style, markersize=5)
            axis.annotate(
                f"{row['value']:.3f}", (row["value"], place), (0, 5), textcoords="offset points", ha="center", size=8
            )
        axis.set_title(title)
        axis.set_xlabel("better →" if metric in UP_TO_ONE else "← better")
        axis.grid(axis="y", color="#dddddd", linewidth=0.6)
        axis.margins(x=0.25)
        axis.set_ylim(len(models) - 0.4, -0.8)
        axis.xaxis.set_major_locator(MaxNLocator(4))
    for axis in axes[: len(UP_TO_ONE)]:
        axis.set_xlim(-0.12, 1.18)
        axis.set_xticks([0, 0.5, 1])
    axes[0].set_yticks(range(len(models)), [model_look(model).name for model in models])
    figure.suptitle(f"Models on {name}, n = {_total(metrics)}")
    return figure


def _with_interval(metrics: pd.DataFrame, metric: str, label: str, counted: bool = True) -> str:
    row = metrics[(metrics["metric"] == metric) & (metrics["class"] == label)].iloc[0]
    text = f"{row['value']:.3f}"
    if pd.notna(row["low"]):
        text += f" [{row['low']:.3f}, {row['high']:.3f}]"
    return f"{text}, {row['n']}" if counted else text


def _total(metrics: pd.DataFrame) -> int:
    return metrics.loc[metrics["metric"] == "accuracy", "n"].iloc[0]


def _say_empty(axis: Axes) -> None:
    axis.text(0.5, 0.5, "no sequence of the classes", transform=axis.transAxes, ha="center")
