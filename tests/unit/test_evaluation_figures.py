"""What the evaluation's figures show, and that they can be drawn of sets that lack classes."""

import numpy as np
import pytest

from spikegeometry.evaluation.assessment import (
    Predictions,
    calibration_table,
    confusion_table,
    curve_table,
    measure,
    metric_table,
)
from spikegeometry.figures.evaluation import draw_calibration, draw_confusion, draw_curves, draw_metrics
from spikegeometry.tables import read_tsv, write_tsv

SETS = {
    "whole": ([0, 0, 0, 0, 1, 1, 1, 2, 2, 2], [0, 0, 0, 1, 1, 1, 2, 2, 2, 0]),
    "without_c": ([0, 0, 1], [0, 2, 1]),
    "single": ([1], [1]),
    "only_other": ([-1, -1], [0, 1]),
    "many": (list(range(25)) * 2, list(range(25)) + [0] * 25),
}


def drawn(name, folder):
    """All figures of a set, from tables that were written and read back as in the workflow."""
    labels, predicted = map(np.array, SETS[name])
    classes = ["a", "b", "c"] if labels.max() < 3 else [f"A.D.{number + 1}" for number in range(25)]
    probabilities = np.full((len(labels), len(classes)), 0.2 / (len(classes) - 1))
    probabilities[np.arange(len(labels)), predicted] = 0.8
    sample = Predictions(classes, labels, predicted, probabilities, np.arange(len(labels)))
    tables = {
        "metrics": metric_table(measure(sample, n_bins=10, samples=50, seed=1), confidence=0.95).assign(model="bert"),
        "confusion": confusion_table(sample),
        "curves": curve_table(sample),
        "calibration": calibration_table(sample, 10),
    }
    for table, rows in tables.items():
        write_tsv(rows, folder / f"{table}.tsv")
        tables[table] = read_tsv(folder / f"{table}.tsv")
    return {
        "confusion": draw_confusion(tables["confusion"], name),
        "curves": draw_curves(tables["curves"], tables["metrics"], name),
        "calibration": draw_calibration(tables["calibration"], tables["metrics"], name),
        "metrics": draw_metrics(tables["metrics"], name),
    }


@pytest.mark.parametrize("name", SETS)
def test_figures_can_be_drawn(name, tmp_path):
    n = sum(label >= 0 for label in SETS[name][0])
    for figure in drawn(name, tmp_path).values():
        figure.canvas.draw()
        assert f"on {name}" in figure.get_suptitle()
        assert figure.get_suptitle().endswith(f"n = {n}")
        assert figure.get_figwidth() <= 10
        assert all(axis.get_xlabel() or axis.get_ylabel() for axis in figure.axes if axis.get_visible())


def test_confusion_shows_counts_and_shares(tmp_path):
    counts, shares, _ = drawn("whole", tmp_path)["confusion"].axes
    assert [text.get_text() for text in counts.texts] == ["3", "1", "2", "1", "1", "2"]
    assert [text.get_text() for text in shares.texts] == ["0.75", "0.25", "0.67", "0.33", "0.33", "0.67"]
    assert [label.get_text() for label in counts.get_yticklabels()] == ["a (n = 4)", "b (n = 3)", "c (n = 3)"]


def test_many_classes_leave_room_for_their_curves_and_numbers(tmp_path):
    """The legend takes no more than it needs, no curve hides the others, and numbers stay in their cells."""
    figures = drawn("many", tmp_path)
    for figure in figures.values():
        figure.canvas.draw()
    for axis in figures["curves"].axes:
        assert axis.bbox.height > 0.3 * figures["curves"].bbox.height
        assert max(line.get_linewidth() for line in axis.lines) < 7
        looks = {(line.get_color(), line.get_linestyle()) for line in axis.lines}
        assert len(looks) == len(axis.lines)
    for axis in figures["confusion"].axes[:2]:
        cell = axis.bbox.width / 25
        assert all(text.get_window_extent().width <= cell for text in axis.texts)


def test_curves_name_area_interval_and_number(tmp_path):
    precision_recall, roc = drawn("whole", tmp_path)["curves"].axes
    labels = [text.get_text() for text in roc.get_legend().get_texts()]
    # Class a, three of four at 0.8; of the others, one of six: (3 x (5 + 1/2) + 5/2) of 24 pairs.
    assert labels[0].startswith("a: 0.792 [") and labels[0].endswith("], 4")
    assert labels[-1] == "chance: 0.500"
    assert len(precision_recall.get_legend().get_texts()) == 3


def test_calibration_counts_bins(tmp_path):
    _, histogram = drawn("whole", tmp_path)["calibration"].axes
    assert [text.get_text() for text in histogram.texts if text.get_text()] == ["10"]
