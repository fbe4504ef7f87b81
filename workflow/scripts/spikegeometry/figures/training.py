"""Curves of pre-training and fine-tuning."""

import pandas as pd
from matplotlib.figure import Figure

from spikegeometry.figures.style import CYAN, INDIGO, RED, model_look, new_figure

TITLES = {"pretrain": "Pre-training: masked k-mers", "finetune": "Fine-tuning: classes"}
TRAIN, VALIDATION, ACCURACY = CYAN, INDIGO, RED


def draw_training(table: pd.DataFrame) -> Figure:
    """Loss and validation accuracy against the epoch, a column for each phase.

    `table` has the columns phase, step, epoch, split (train, validation), metric (loss, accuracy), value and kept.
    """
    phases = list(dict.fromkeys(table["phase"]))
    figure, axes = new_figure(
        min(10.0, 4.2 * len(phases)), 5.0, rows=2, columns=len(phases), sharex="col", squeeze=False
    )
    for (loss, accuracy), phase in zip(axes.T, phases, strict=True):
        curves = dict(list(table[table["phase"] == phase].groupby(["split", "metric"])))
        train, validation = curves["train", "loss"], curves["validation", "loss"]
        (kept,) = validation.loc[validation["kept"] == "yes", "epoch"]
        loss.plot(train["epoch"], train["value"], color=TRAIN, label="training")
        loss.plot(
            validation["epoch"], validation["value"], color=VALIDATION, marker="o", markersize=4, label="validation"
        )
        loss.axvline(kept, color="0.6", linestyle=":", label="kept model")
        title = TITLES.get(phase, f"Fine-tuning: {model_look(phase).name}")
        loss.set(title=f"{title}\nn = {validation['epoch'].nunique()} epochs", ylabel="loss (cross-entropy, nats)")
        loss.set_ylim(bottom=0)
        loss.legend(frameon=False)
        points = curves["validation", "accuracy"]
        accuracy.plot(points["epoch"], points["value"], color=ACCURACY, marker="s", markersize=4)
        accuracy.axvline(kept, color="0.6", linestyle=":")
        accuracy.set(xlabel="epoch", ylabel="validation accuracy", ylim=(0, 1.02))
    return figure
