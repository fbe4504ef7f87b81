"""When to abstain: scores, temperature and threshold by hand, detection of known genomes, and the figure."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.metrics import roc_auc_score, roc_curve

from spikegeometry.errors import InputError
from spikegeometry.evaluation.abstention import (
    Abstention,
    energy,
    fit_abstention,
    fit_temperature,
    fit_threshold,
    max_softmax,
    read_abstention,
    write_abstention,
)
from spikegeometry.evaluation.detection import (
    Assessor,
    Genomes,
    curve_table,
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
    return Genomes(table, np.asarray(logits, dtype=float))


def drawn(seed, n, strength, others=0):
    """Genomes whose own logit is higher by `strength`, and some of none of the classes."""
    generator = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(n) % 3, np.full(others, -1)])
    logits = generator.normal(size=(n + others, 3))
    logits[np.arange(n), labels[:n]] += strength
    return genomes(labels, logits)


def test_scores_by_hand():
    logits = np.log([[1.0, 1.0, 2.0], [4.0, 4.0, 4.0]])
    assert max_softmax(logits, 1) == pytest.approx([0.5, 1 / 3])
    assert energy(logits, 1) == pytest.approx(np.log([4, 12]))
    # At half the temperature the odds are squared, and the energy is that of doubled logits, halved.
    assert max_softmax(logits, 0.5) == pytest.approx([4 / 6, 1 / 3])
    assert energy(logits, 0.5) == pytest.approx(np.log([6, 48]) / 2)


def test_only_energy_sees_a_shift_of_all_logits():
    logits = np.array([[1.0, 2.0, 4.0]])
    assert energy(logits + 3, 2.0) == pytest.approx(energy(logits, 2.0) + 3)
    assert max_softmax(logits + 3, 2.0) == pytest.approx(max_softmax(logits, 2.0))


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
    assert (scores >= fit_threshold(scores, keep)).sum() == kept


def test_threshold_of_ties_keeps_them():
    assert fit_threshold(np.array([1.0, 1.0, 1.0, 2.0]), 0.5) == 1


def test_rule_comes_back_as_it_was(tmp_path):
    validation = drawn(2, 30, 3.0)
    rule = fit_abstention(CLASSES, validation.logits, validation.table["label"].to_numpy(), "energy", 0.9)
    write_abstention(rule, tmp_path / "rule.json")
    again = read_abstention(tmp_path / "rule.json")
    assert again == rule
    assert (again.abstains(validation.logits) == rule.abstains(validation.logits)).all()
    assert rule.abstains(validation.logits).sum() == 3


def test_no_validation_sequence_is_refused():
    with pytest.raises(InputError, match=r"split\.validation"):
        fit_abstention(CLASSES, np.empty((0, 3)), np.empty(0, int), "energy", 0.95)


def test_copies_do_not_move_the_fit():
    validation = drawn(3, 12, 2.0)
    copied = validation.where(np.ones(12, bool))
    copied = Genomes(
        pd.concat([copied.table, copied.table.iloc[[0] * 9]]), np.concatenate([copied.logits, copied.logits[[0] * 9]])
    )
    used = Abstention(CLASSES, 1.3, "energy", 0.0, 0.9, 12)
    assert variants(used, copied) == variants(used, validation)


def test_false_positive_rate():
    scores = np.array([9.0, 8, 7, 6, 5, 4])
    positive = np.array([True, True, False, True, False, True])
    weights = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 0]])
    assert false_positive_rate(scores, positive, weights, 0.5).tolist() == [0, 0]
    assert false_positive_rate(scores, positive, weights, 1.0).tolist() == [1, 0.5]
    # A tie is kept together.
    assert false_positive_rate(np.ones(6), positive, weights[:1], 0.1).tolist() == [1]


def test_detection_against_scikit_learn():
    known, other = drawn(4, 60, 3.0), drawn(5, 0, 0, others=25)
    rule = Abstention(CLASSES, 2.0, "max_softmax", 0.6, 0.95, 10)
    found = {row["metric"]: row for row in ASSESSOR.detection(known, other, rule)}
    scores = np.concatenate([rule.scores(known.logits), rule.scores(other.logits)])
    truth = np.arange(85) < 60
    rates, recall, _ = roc_curve(truth, scores, drop_intermediate=False)
    assert found["auroc"]["value"] == pytest.approx(roc_auc_score(truth, scores))
    assert found["fpr95"]["value"] == pytest.approx(rates[recall >= 0.95].min())
    assert all(row["low"] <= row["value"] <= row["high"] for row in found.values())
    assert (found["auroc"]["n"], found["auroc"]["n_other"]) == (60, 25)


def test_copies_widen_the_interval():
    once = drawn(6, 20, 1.0, others=20)
    rule = Abstention(CLASSES, 1.0, "energy", 1.0, 0.95, 10)
    copies = Genomes(pd.concat([once.table] * 5), np.concatenate([once.logits] * 5))
    single, several = (
        next(iter(ASSESSOR.detection(one.known, one.other, rule)))
        for one in (once, Genomes(copies.table.reset_index(drop=True), copies.logits))
    )
    assert several["value"] == pytest.approx(single["value"])
    assert (several["low"], several["high"]) == pytest.approx((single["low"], single["high"]), abs=0.06)


def test_what_is_kept_by_hand():
    # Energies are the own logits: 10 right and kept, 9 wrong and kept, 1 right and not kept; others 8 and 2.
    own = [10.0, 9.0, 1.0, 8.0, 2.0]
    logits = np.full((5, 3), -99.0)
    logits[np.arange(5), [0, 1, 2, 0, 0]] = own
    several = genomes([0, 2, 2, -1, -1], logits)
    rule = Abstention(CLASSES, 1.0, "energy", 5.0, 0.95, 10)
    found = {row["metric"]: row["value"] for row in ASSESSOR.keeping(several.known, several.other, rule)}
    assert found == pytest.approx({"coverage": 2 / 3, "accuracy": 2 / 3, "accuracy_kept": 0.5, "coverage_other": 0.5})
    curve = risk_curve(rule.scores(several.logits), several.correct)
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
    used = fit_abstention(CLASSES, validation.logits, validation.table["label"].to_numpy(), "energy", 0.95)
    rules = variants(used, validation)
    assert used in rules and len(set(map(str, rules))) == 4
    table = metric_table({"test": test}, test.other, rules, used, ASSESSOR)
    assert not set(table["metric"]) & {"auroc", "fpr95", "coverage_other"}
    assert table["n_other"].isna().all()
    assert "roc" not in set(curve_table(test, rules, 5)["curve"])


def test_one_rule_is_the_used_one():
    validation, external = drawn(9, 30, 4.0), drawn(10, 20, 4.0, others=10)
    used = fit_abstention(CLASSES, validation.logits, validation.table["label"].to_numpy(), "max_softmax", 0.95)
    rules = variants(used, validation)
    table = metric_table({"away": external, "test": validation}, external.other, rules, used, ASSESSOR)
    marked = table[table["used"] == "yes"]
    assert set(marked["score"]) == {"max_softmax"} and marked["temperature"].nunique() == 1
    assert set(table.loc[table["metric"] == "auroc", "known"]) == {"away", "test"}
    assert set(table.loc[table["metric"] == "ece", "score"]) == {"max_softmax"}


def test_genomes_of_predictions(tmp_path):
    expected = drawn(11, 6, 2.0, others=2)
    logits = pd.DataFrame(expected.logits, columns=[f"logit_{name}" for name in CLASSES])
    pd.concat([expected.table.drop(columns="haplotype"), logits], axis=1).to_parquet(tmp_path / "p.parquet")
    found = read_genomes(str(tmp_path / "p.parquet"), expected.table["haplotype"], CLASSES)
    pd.testing.assert_frame_equal(found.table, expected.table, check_dtype=False)
    assert (found.logits == expected.logits).all()


@pytest.mark.parametrize(("known", "others"), [(30, 8), (30, 0), (0, 8)])
def test_figure(tmp_path, known, others):
    validation, external = drawn(12, 30, 3.0), drawn(13, known, 3.0, others)
    used = fit_abstention(CLASSES, validation.logits, validation.table["label"].to_numpy(), "energy", 0.95)
    rules = variants(used, validation)
    metrics = metric_table({"away": external, "test": validation}, external.other, rules, used, ASSESSOR)
    figure = draw_abstention(metrics, curve_table(external, rules, 5), pd.concat(score_tables(external, rules)), "away")
    texts = " ".join(text.get_text() for axis in figure.axes for text in axis.texts)
    assert ("no genome of none of the classes" in texts) == (known == 0 or others == 0)
    assert ("no genome of the classes" in texts) == (known == 0)
    save(figure, tmp_path / "a.png", tmp_path / "a.svg")
