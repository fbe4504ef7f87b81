"""Metrics of a toy that can be done by hand, and of random predictions against scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as reference

from spikegeometry.errors import InputError
from spikegeometry.evaluation.assessment import (
    Predictions,
    calibration_table,
    confusion_table,
    curve_table,
    difference_table,
    measure,
    metric_table,
    nested_metrics,
    other_table,
    read_predictions,
)
from spikegeometry.evaluation.metrics import (
    class_metrics,
    confusion_matrices,
    log_loss,
    operating_points,
    overall_metrics,
    ranking_metrics,
)

# Three classes, ten sequences: of class 0 one is called 1, of class 1 one is called 2, of class 2 one is called 0.
LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2])
PREDICTED = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 0])
ONES = np.ones((1, 10))


def toy(labels=LABELS, predicted=PREDICTED, haplotypes=None):
    """The toy with 0.8 for the predicted class and 0.1 for the others."""
    probabilities = np.full((len(labels), 3), 0.1)
    probabilities[np.arange(len(labels)), predicted] = 0.8
    if haplotypes is None:
        haplotypes = np.arange(len(labels)).astype(str)
    return Predictions(["a", "b", "c"], np.asarray(labels), np.asarray(predicted), probabilities, haplotypes)


def random_predictions(n=300, n_classes=4, seed=1):
    generator = np.random.default_rng(seed)
    labels = generator.integers(n_classes, size=n)
    # Rounded, so that many scores are equal.
    logits = generator.normal(size=(n, n_classes)).round(1) + np.eye(n_classes)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return labels, probabilities


def values(table, metric):
    return table[table["metric"] == metric].set_index("class")["value"].to_dict()


def test_confusion_by_hand():
    confusion = confusion_matrices(LABELS, PREDICTED, 3, ONES)
    assert confusion.tolist() == [[[3, 1, 0], [0, 2, 1], [1, 0, 2]]]


def test_metrics_by_hand():
    confusion = confusion_matrices(LABELS, PREDICTED, 3, ONES)
    overall = overall_metrics(confusion)
    assert overall["accuracy"] == pytest.approx([0.7])
    assert overall["micro_f1"] == pytest.approx([0.7])
    assert overall["balanced_accuracy"] == pytest.approx([(3 / 4 + 2 / 3 + 2 / 3) / 3])
    assert overall["macro_f1"] == pytest.approx([(3 / 4 + 2 / 3 + 2 / 3) / 3])
    classes = class_metrics(confusion)
    assert classes["precision"][0] == pytest.approx([3 / 4, 2 / 3, 2 / 3])
    assert classes["recall"][0] == pytest.approx([3 / 4, 2 / 3, 2 / 3])
    assert classes["specificity"][0] == pytest.approx([5 / 6, 6 / 7, 6 / 7])


def test_weights_are_copies():
    weights = np.array([[2, 0, 1, 3, 1, 0, 2, 1, 1, 0]])
    weighted = confusion_matrices(LABELS, PREDICTED, 3, weights)
    copied = np.repeat(np.arange(10), weights[0])
    assert (weighted == confusion_matrices(LABELS[copied], PREDICTED[copied], 3, np.ones((1, len(copied))))).all()


def test_ranking_by_hand():
    scores, positive = np.array([0.9, 0.8, 0.4, 0.3]), np.array([True, False, True, False])
    ranking = ranking_metrics(scores, positive, np.ones((1, 4)))
    assert ranking["auroc"] == pytest.approx([3 / 4])  # three of four pairs are in order
    assert ranking["average_precision"] == pytest.approx([1 / 2 * 1 + 1 / 2 * 2 / 3])


def test_a_tie_is_half_right():
    ranking = ranking_metrics(np.array([0.5, 0.5]), np.array([True, False]), np.ones((1, 2)))
    assert ranking["auroc"] == pytest.approx([0.5])
    assert ranking["average_precision"] == pytest.approx([0.5])


@pytest.mark.parametrize("weighted", [False, True])
def test_against_scikit_learn(weighted):
    labels, probabilities = random_predictions()
    predicted = probabilities.argmax(1)
    weights = np.random.default_rng(2).integers(0, 4, len(labels)) if weighted else np.ones(len(labels))
    options = {"sample_weight": weights}
    confusion = confusion_matrices(labels, predicted, 4, weights[None].astype(float))
    overall, classes = overall_metrics(confusion), class_metrics(confusion)
    assert overall["accuracy"][0] == pytest.approx(reference.accuracy_score(labels, predicted, **options))
    assert overall["balanced_accuracy"][0] == pytest.approx(
        reference.balanced_accuracy_score(labels, predicted, **options)
    )
    for average in ("macro", "micro"):
        expected = reference.f1_score(labels, predicted, average=average, **options)
        assert overall[f"{average}_f1"][0] == pytest.approx(expected)
    assert log_loss(labels, probabilities, weights[None])[0] == pytest.approx(
        reference.log_loss(labels, probabilities, **options)
    )
    expected = reference.precision_recall_fscore_support(labels, predicted, **options)
    for name, column in zip(("precision", "recall", "f1"), expected, strict=False):
        assert classes[name][0] == pytest.approx(column)
    for k in range(4):
        ranking = ranking_metrics(probabilities[:, k], labels == k, weights[None])
        pair = (labels == k, probabilities[:, k])
        assert ranking["auroc"][0] == pytest.approx(reference.roc_auc_score(*pair, **options))
        assert ranking["average_precision"][0] == pytest.approx(reference.average_precision_score(*pair, **options))


def test_operating_points_against_scikit_learn():
    labels, probabilities = random_predictions()
    points = operating_points(probabilities[:, 0], labels == 0)
    rates = reference.roc_curve(labels == 0, probabilities[:, 0], drop_intermediate=False)
    expected = pd.DataFrame(np.transpose(rates), columns=["false_positive_rate", "recall", "threshold"])
    merged = points.merge(expected, on="threshold", suffixes=("", "_expected"))
    assert len(merged) == len(points) < len(expected)
    assert merged["recall"].to_numpy() == pytest.approx(merged["recall_expected"].to_numpy())
    assert merged["false_positive_rate"].to_numpy() == pytest.approx(merged["false_positive_rate_expected"].to_numpy())


def test_points_that_are_left_out_lie_on_the_curve():
    labels, probabilities = random_predictions()
    scores, positive = probabilities[:, 0], labels == 0
    points = operating_points(scores, positive)
    area = np.trapezoid(points["recall"], points["false_positive_rate"])
    assert area == pytest.approx(reference.roc_auc_score(positive, scores))
    steps = (points["recall"].diff() * points["precision"]).sum()
    assert steps == pytest.approx(reference.average_precision_score(positive, scores))


def test_points_of_a_perfect_ranking():
    points = operating_points(np.array([0.9, 0.8, 0.7, 0.2, 0.1]), np.array([1, 1, 1, 0, 0], dtype=bool))
    assert points["recall"].tolist() == [0, 1, 1]
    assert points["false_positive_rate"].tolist() == [0, 0, 1]
    assert points["precision"].tolist() == [1, 1, 0.6]


def test_probability_zero_has_a_finite_loss():
    loss = log_loss(np.array([0]), np.array([[0.0, 1.0]]), np.ones((1, 1)))
    assert loss == pytest.approx([-np.log(np.finfo(float).eps)])


def test_metric_table():
    table = metric_table(measure(toy(), n_bins=10, samples=200, seed=3), confidence=0.95)
    assert values(table, "accuracy") == {"": 0.7}
    assert values(table, "log_loss") == pytest.approx({"": -(7 * np.log(0.8) + 3 * np.log(0.1)) / 10})
    assert values(table, "ece") == pytest.approx({"": 0.1})  # all in one bin: 0.8 said, 0.7 right
    assert values(table, "support") == {"a": 4, "b": 3, "c": 3}
    assert table.groupby("class", sort=False)["n"].unique().map(list).to_dict() == {
        "": [10],
        "a": [4],
        "b": [3],
        "c": [3],
    }
    bounded = table[table["metric"] != "support"]
    assert (bounded["low"] <= bounded["value"] + 1e-12).all()
    assert (bounded["high"] >= bounded["value"] - 1e-12).all()
    again = metric_table(measure(toy(), n_bins=10, samples=200, seed=3), confidence=0.95)
    pd.testing.assert_frame_equal(table, again)
    other_seed = metric_table(measure(toy(), n_bins=10, samples=200, seed=4), confidence=0.95)
    assert not table.equals(other_seed)


def test_copies_widen_intervals():
    """Every sequence eight times: the metrics stay, and the intervals are those of the sequences once."""
    copies = np.repeat(np.arange(10), 8)
    options = {"n_bins": 10, "samples": 100, "seed": 3}
    once = metric_table(measure(toy(), **options), confidence=0.95)
    copied = metric_table(measure(toy(LABELS[copies], PREDICTED[copies], copies.astype(str)), **options), 0.95)
    compared = once["metric"] != "support"
    for column in ("value", "low", "high"):
        assert copied.loc[compared, column].to_numpy() == pytest.approx(once.loc[compared, column].to_numpy())


def test_differences_are_paired():
    """Two models that err on the same sequences but one: the difference is of that one alone."""
    better = PREDICTED.copy()
    better[3] = LABELS[3]
    one, other = (measure(toy(LABELS, called), n_bins=10, samples=4000, seed=3) for called in (better, PREDICTED))
    table = difference_table(one, other, confidence=0.95)
    row = table[(table["metric"] == "accuracy") & (table["class"] == "")].iloc[0]
    # The sequence is drawn as often as a Poisson-like count of mean 1 says: 0 to 3 times of 10 in 95% of resamples.
    assert row["bert_less"] == pytest.approx(0.1)
    assert (row["bert_less_low"], row["bert_less_high"]) == pytest.approx((0, 0.3))
    assert table.loc[table["metric"] == "log_loss", "bert_less"].item() < 0
    same = difference_table(one, one, confidence=0.95)[["bert_less", "bert_less_low", "bert_less_high"]]
    assert (same.fillna(0) == 0).all(axis=None)


def test_an_absent_class_is_missing_not_zero():
    present = LABELS != 2
    table = metric_table(
        measure(toy(LABELS[present], PREDICTED[present]), n_bins=10, samples=50, seed=3), confidence=0.95
    )
    absent = table[table["class"] == "c"].set_index("metric")
    assert (absent["n"] == 0).all()
    assert absent.loc[["recall", "f1", "auroc", "average_precision"], "value"].isna().all()
    assert absent.loc["support", "value"] == 0
    assert absent.loc["specificity", "value"] == pytest.approx(6 / 7)  # one of class b is called c
    assert values(table, "balanced_accuracy")[""] == pytest.approx((3 / 4 + 2 / 3) / 2)
    assert set(curve_table(toy(LABELS[present], PREDICTED[present]))["class"]) == {"a", "b"}
    confusion = confusion_table(toy(LABELS[present], PREDICTED[present])).set_index("true")
    assert confusion.loc["c", "share"].isna().all()


def test_one_sequence():
    table = metric_table(measure(toy([1], [1]), n_bins=10, samples=50, seed=3), confidence=0.95).set_index(
        ["metric", "class"]
    )
    assert table.loc[("accuracy", ""), "value"] == 1
    assert table.loc[("accuracy", ""), "low"] == pytest.approx(0.2065, abs=1e-4)  # Wilson, 1 of 1
    assert table.loc[[("macro_f1", ""), ("log_loss", "")], ["low", "high"]].isna().all(axis=None)
    assert np.isnan(table.loc[("auroc", "b"), "value"])  # nothing to tell it from


def test_other_genomes_are_reported_apart():
    predictions = toy([0, -1, -1, -1, 1], [0, 2, 2, 0, 1])
    table = metric_table(measure(predictions, n_bins=10, samples=50, seed=3), confidence=0.95)
    assert values(table, "accuracy") == {"": 1.0}
    assert table.loc[table["metric"] == "accuracy", "n"].item() == 2
    assert confusion_table(predictions)["count"].sum() == 2
    assert calibration_table(predictions, 10)["n"].sum() == 2
    other = other_table(predictions)
    assert other[["predicted", "count", "n"]].to_numpy().tolist() == [["a", 1, 3], ["c", 2, 3]]
    assert other["mean_confidence"].tolist() == pytest.approx([0.8, 0.8])


@pytest.mark.parametrize("labels", [[], [-1, -1]])
def test_no_sequence_of_the_classes(labels):
    predictions = toy(np.array(labels, dtype=int), np.zeros(len(labels), dtype=int))
    table = metric_table(measure(predictions, n_bins=10, samples=50, seed=3), confidence=0.95)
    assert (table["n"] == 0).all()
    assert table.loc[table["metric"] != "support", "value"].isna().all()
    assert curve_table(predictions).empty
    assert calibration_table(predictions, 10)["accuracy"].isna().all()
    assert other_table(predictions)["count"].sum() == len(labels)


def test_nested_metrics():
    rows = [("test", "bert", "accuracy", "", 0.5, 0.1, 0.9, 4), ("test", "bert", "f1", "a", np.nan, np.nan, np.nan, 0)]
    table = pd.DataFrame(rows, columns=["set", "model", "metric", "class", "value", "low", "high", "n"])
    assert nested_metrics(table) == {
        "test": {
            "bert": {
                "overall": {"accuracy": {"value": 0.5, "low": 0.1, "high": 0.9, "n": 4}},
                "classes": {"a": {"f1": {"value": None, "low": None, "high": None, "n": 0}}},
            }
        }
    }


def test_predictions_of_other_sequences_are_refused(tmp_path):
    path = tmp_path / "predictions.parquet"
    row = {"accession": ["x"], "class": ["a"], "label": [0], "predicted": ["a"], "correct": [True], "p_a": [0.9]}
    pd.DataFrame({**row, "p_b": [0.1], "unknown": [0]}).to_parquet(path)
    sequences = pd.DataFrame({"accession": ["x"], "haplotype": ["h"]})
    predictions = read_predictions(str(path), sequences, ["a", "b"])
    assert predictions.probabilities.tolist() == [[0.9, 0.1]]
    assert predictions.correct.tolist() == [True]
    with pytest.raises(InputError, match="predict them again"):
        read_predictions(str(path), sequences.replace("x", "y"), ["a", "b"])
