"""When to abstain: scores, temperature and threshold by hand, detection of known genomes, and the figure."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.metrics import roc_auc_score, roc_curve

from spikegeometry.errors import InputError
from spikegeometry.evaluation.abstention import (
    SCORES,
    Abstention,
    Outputs,
    energy,
    fit_abstention,
    fit_temperature,
    fit_threshold,
    mahalanobis,
    max_softmax,
    neighbours,
    read_abstention,
    threshold_table,
    write_abstention,
)
from spikegeometry.evaluation.detection import (
    Assessor,
    Genomes,
    curve_table,
    fit_rule,
    metric_table,
    read_genomes,
    risk_curve,
    score_tables,
    variants,
)
from spikegeometry.evaluation.metrics import false_positive_rate
from spikegeometry.figures.abstention import draw_abstention
from spikegeometry.figures.style import save

CLASSES = ["red", "green", "blue"]
ASSESSOR = Assessor(samples=60, confidence=0.95, seed=1, bins=5)


def genomes(labels, logits, haplotypes=None):
    labels = np.asarray(labels)
    names = np.array([*CLASSES, "other"])
    table = pd.DataFrame(
        {
            "accession": [f"genome {row}" for row in range(len(labels))],
            "class": names[labels],
            "label": labels,
            "correct": np.argmax(logits, axis=1) == labels,
            "haplotype": haplotypes if haplotypes is not None else np.arange(len(labels)).astype(str),
        }
    )
    return Genomes(table, outputs(logits))


def outputs(logits, distances=None):
    logits = np.asarray(logits, dtype=float)
    return Outputs(logits, np.ones((len(logits), 2)) if distances is None else np.asarray(distances, dtype=float))


def rule_of(score, temperature=1.0, thresholds=(0.0, 0.0, 0.0)):
    return Abstention(CLASSES, temperature, score, list(thresholds), 0.95, [10, 10, 10], 0)


def drawn(seed, n, strength, others=0):
    """Genomes whose own logit is higher by `strength`, and some of none of the classes."""
    generator = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(n) % 3, np.full(others, -1)])
    logits = generator.normal(size=(n + others, 3))
    logits[np.arange(n), labels[:n]] += strength
    return genomes(labels, logits)


def test_scores_by_hand():
    logits = outputs(np.log([[1.0, 1.0, 2.0], [4.0, 4.0, 4.0]]), [[3.0, 0.5], [7.0, 0.25]])
    assert max_softmax(logits, 1) == pytest.approx([0.5, 1 / 3])
    assert energy(logits, 1) == pytest.approx(np.log([4, 12]))
    # At half the temperature the odds are squared, and the energy is that of doubled logits, halved.
    assert max_softmax(logits, 0.5) == pytest.approx([4 / 6, 1 / 3])
    assert energy(logits, 0.5) == pytest.approx(np.log([6, 48]) / 2)
    # Nearer is more like a class.
    assert mahalanobis(logits, 2.0).tolist() == [-3, -7]
    assert neighbours(logits, 2.0).tolist() == [-0.5, -0.25]


def test_only_energy_sees_a_shift_of_all_logits():
    logits = np.array([[1.0, 2.0, 4.0]])
    once, shifted = outputs(logits), outputs(logits + 3)
    assert energy(shifted, 2.0) == pytest.approx(energy(once, 2.0) + 3)
    assert max_softmax(shifted, 2.0) == pytest.approx(max_softmax(once, 2.0))


def test_temperature_is_found_again():
    generator = np.random.default_rng(0)
    logits = 2 * generator.normal(size=(20000, 4))
    labels = np.array([generator.choice(4, p=p) for p in softmax(logits, axis=1)])
    assert fit_temperature(3 * logits, labels) == pytest.approx(3, rel=0.03)


@pytest.mark.parametrize("gap", [4.0, 40.0])
def test_temperature_where_all_are_right(gap):
    # Two classes and one gap: the best temperature gives the target itself, (n + 1) / (n + 2) = 9 / 10.
    logits = np.tile([[gap, 0.0], [0.0, gap]], (4, 1))
    assert fit_temperature(logits, np.tile([0, 1], 4)) == pytest.approx(gap / np.log(9), rel=1e-3)


@pytest.mark.parametrize(("keep", "kept"), [(1.0, 20), (0.95, 19), (0.94, 19), (0.5, 10)])
def test_threshold_keeps_at_least_its_share(keep, kept):
    scores = np.random.default_rng(1).permutation(20).astype(float)
    assert (scores >= fit_threshold(scores, np.empty(0), keep)).sum() == kept


def test_threshold_of_ties_keeps_them():
    assert fit_threshold(np.array([1.0, 1.0, 1.0, 2.0]), np.empty(0), 0.5) == 1


def test_threshold_lies_half_way_to_the_background():
    scores = np.array([9.0, 10.0, 11.0])
    assert fit_threshold(scores, np.array([1.0, 2.0, 99.0]), 1.0) == 6  # one stray does not move a median
    # But it keeps its share where the background is as far up as the class.
    assert fit_threshold(scores, np.array([11.0]), 1.0) == 9


def test_each_class_has_a_threshold():
    """Energies of 10 for red, 6 for green: one threshold for both would refuse green as a whole."""
    logits = np.full((9, 3), -99.0)
    labels = np.array([0] * 4 + [1] * 3 + [2] * 2)
    logits[np.arange(9), labels] = [10, 10, 10, 10, 6, 6, 6, 8, 8]
    known, background = outputs(logits), outputs(np.full((5, 3), -np.log(3)))
    rule = fit_abstention(CLASSES, known, labels, background, "energy", 0.95, temperature=1.0)
    # Blue has too few of its own: the median of all, 8, and the background's 0.
    assert rule.thresholds == pytest.approx([5, 3, 4], abs=1e-9)
    table = threshold_table(rule)
    assert table["fitted_on"].tolist() == ["the class", "the class", "all classes"]
    assert table["n"].tolist() == [4, 3, 2] and set(table["background"]) == {5}
    low_green = outputs([[-99.0, 4, -99]])
    assert not rule.abstains(low_green)[0] and rule.margins(low_green)[0] == pytest.approx(1)
    low_red = outputs([[4.0, -99, -99]])
    assert rule.abstains(low_red)[0]


def test_misclassified_sequences_fit_no_threshold():
    logits = np.full((8, 3), -99.0)
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    logits[np.arange(8), [0, 0, 0, 1, 1, 1, 1, 1]] = [10, 10, 10, 1, 6, 6, 6, 6]
    rule = fit_abstention(CLASSES, outputs(logits), labels, outputs(np.empty((0, 3))), "energy", 1.0, 1.0)
    assert rule.counts == [3, 4, 0]
    assert rule.thresholds == pytest.approx([10, 6, 1])  # blue: all classes


def test_rule_comes_back_as_it_was(tmp_path):
    validation = drawn(2, 30, 3.0)
    rule = fit_rule(validation, CLASSES, "energy", 0.9)
    write_abstention(rule, tmp_path / "rule.json")
    again = read_abstention(tmp_path / "rule.json")
    assert again == rule
    assert (again.abstains(validation.outputs) == rule.abstains(validation.outputs)).all()
    # One of each class of ten, of those that are correctly classified.
    assert rule.abstains(validation.where(validation.correct).outputs).sum() == sum(n // 10 for n in rule.counts)


def test_no_validation_sequence_is_refused():
    with pytest.raises(InputError, match=r"split\.validation"):
        fit_abstention(CLASSES, outputs(np.empty((0, 3))), np.empty(0, int), outputs(np.empty((0, 3))), "energy", 0.95)


def test_copies_do_not_move_the_fit():
    validation = drawn(3, 12, 2.0)
    rows = np.array([*range(12), *[0] * 9])
    copied = Genomes(validation.table.iloc[rows], validation.outputs.where(rows))
    used = rule_of("energy", 1.3)
    assert variants(used, copied) == variants(used, validation)


def test_false_positive_rate():
    scores = np.array([9.0, 8, 7, 6, 5, 4])
    positive = np.array([True, True, False, True, False, True])
    weights = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 0]])
    assert false_positive_rate(scores, positive, weights, 0.5).tolist() == [0, 0]
    assert false_positive_rate(scores, positive, weights, 1.0).tolist() == [1, 0.5]
    # A resample without a positive one says nothing.
    assert np.isnan(false_positive_rate(scores, positive, np.array([[0, 0, 1, 0, 1, 0]]), 0.5)).all()
    # A tie is kept together.
    assert false_positive_rate(np.ones(6), positive, weights[:1], 0.1).tolist() == [1]


def test_detection_against_scikit_learn():
    known, other = drawn(4, 60, 3.0), drawn(5, 0, 0, others=25)
    rule = rule_of("max_softmax", 2.0, (0.6, 0.6, 0.6))
    found = {row["metric"]: row for row in ASSESSOR.detection(known, other, rule)}
    scores = np.concatenate([rule.scores(known.outputs), rule.scores(other.outputs)])
    truth = np.arange(85) < 60
    rates, recall, _ = roc_curve(truth, scores, drop_intermediate=False)
    assert found["auroc"]["value"] == pytest.approx(roc_auc_score(truth, scores))
    assert found["fpr95"]["value"] == pytest.approx(rates[recall >= 0.95].min())
    assert all(row["low"] <= row["value"] <= row["high"] for row in found.values())
    assert (found["auroc"]["n"], found["auroc"]["n_other"]) == (60, 25)


def test_copies_widen_the_interval():
    once = drawn(6, 20, 1.0, others=20)
    rule = rule_of("energy", thresholds=(1.0, 1.0, 1.0))
    copies = Genomes(pd.concat([once.table] * 5, ignore_index=True), Outputs.joined([once.outputs] * 5))
    single, several = (next(iter(ASSESSOR.detection(one.known, one.other, rule))) for one in (once, copies))
    assert several["value"] == pytest.approx(single["value"])
    assert (several["low"], several["high"]) == pytest.approx((single["low"], single["high"]), abs=0.06)


def test_what_is_kept_by_hand():
    # Energies are the own logits: 10 right and kept, 9 wrong and kept, 1 right and not kept; others 8 and 2.
    own = [10.0, 9.0, 1.0, 8.0, 2.0]
    logits = np.full((5, 3), -99.0)
    logits[np.arange(5), [0, 1, 2, 0, 0]] = own
    several = genomes([0, 2, 2, -1, -1], logits)
    rule = rule_of("energy", thresholds=(5.0, 5.0, 5.0))
    found = {row["metric"]: row["value"] for row in ASSESSOR.keeping(several.known, several.other, rule)}
    assert found == pytest.approx({"coverage": 2 / 3, "accuracy": 2 / 3, "accuracy_kept": 0.5, "coverage_other": 0.5})
    curve = risk_curve(rule.scores(several.outputs), several.correct)
    assert curve["x"].tolist() == pytest.approx([0.2, 0.4, 0.6, 0.8, 1])
    assert curve["y"].tolist() == pytest.approx([0, 1 / 2, 2 / 3, 3 / 4, 3 / 5])


def test_of_a_long_risk_curve_some_points_are_given(monkeypatch):
    scores, correct = np.arange(100.0), np.arange(100) % 3 > 0
    whole = risk_curve(scores, correct)
    monkeypatch.setattr("spikegeometry.evaluation.detection.POINTS", 12)
    some = risk_curve(scores, correct)
    assert len(whole) == 100 and some["x"].tolist() == pytest.approx(np.arange(0.01, 1.01, 0.09))
    assert some.merge(whole, on=["x", "y", "n"]).equals(some)


def test_a_set_without_others_has_no_rows_that_need_them():
    validation, test = drawn(7, 30, 3.0), drawn(8, 30, 3.0)
    used = fit_rule(validation, CLASSES, "energy", 0.95)
    rules = variants(used, validation)
    assert used in rules and len(set(map(str, rules))) == 6
    table = metric_table({"test": test}, test.other, rules, used, ASSESSOR)
    assert not set(table["metric"]) & {"auroc", "fpr95", "coverage_other"}
    assert table["n_other"].isna().all()
    assert "roc" not in set(curve_table(test, rules, 5)["curve"])


@pytest.mark.parametrize("score", SCORES)
def test_one_rule_is_the_used_one(score):
    validation, external = drawn(9, 30, 4.0), drawn(10, 20, 4.0, others=10)
    used = fit_rule(validation, CLASSES, score, 0.95)
    rules = variants(used, validation)
    table = metric_table({"away": external, "test": validation}, external.other, rules, used, ASSESSOR)
    marked = table[table["used"] == "yes"]
    assert set(marked["score"]) == {score} and marked["temperature"].nunique() == 1
    assert set(table.loc[table["metric"] == "auroc", "known"]) == {"away", "test"}
    assert set(table.loc[table["metric"] == "ece", "score"]) == {"max_softmax"}


def test_genomes_of_predictions(tmp_path):
    expected = drawn(11, 6, 2.0, others=2)
    columns = [*(f"logit_{name}" for name in CLASSES), "mahalanobis", "neighbours"]
    found = np.concatenate([expected.outputs.logits, np.arange(16).reshape(8, 2)], axis=1)
    said = pd.DataFrame(found, columns=columns)
    pd.concat([expected.table.drop(columns="haplotype"), said], axis=1).to_parquet(tmp_path / "p.parquet")
    found = read_genomes(str(tmp_path / "p.parquet"), expected.table["haplotype"], CLASSES)
    pd.testing.assert_frame_equal(found.table, expected.table, check_dtype=False)
    assert (found.outputs.logits == expected.outputs.logits).all()
    assert found.outputs.distances[:, 1].tolist() == list(range(1, 16, 2))


@pytest.mark.parametrize(("known", "others"), [(30, 8), (30, 0), (0, 8)])
def test_figure(tmp_path, known, others):
    validation, external = drawn(12, 30, 3.0), drawn(13, known, 3.0, others)
    used = fit_rule(validation, CLASSES, "energy", 0.95)
    rules = variants(used, validation)
    metrics = metric_table({"away": external, "test": validation}, external.other, rules, used, ASSESSOR)
    figure = draw_abstention(metrics, curve_table(external, rules, 5), pd.concat(score_tables(external, rules)), "away")
    texts = " ".join(text.get_text() for axis in figure.axes for text in axis.texts)
    assert ("no out-of-class genome" in texts) == (known == 0 or others == 0)
    assert ("no genome of the classes" in texts) == (known == 0)
    save(figure, tmp_path / "a.png", tmp_path / "a.svg")
