"""Whether a training succeeded: the exact test by hand, and the tries of a training that cannot succeed."""

from math import comb

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import BertForMaskedLM

from spikegeometry.dataset.encoding import OTHER_LABEL
from spikegeometry.errors import InputError
from spikegeometry.evaluation.learning import Comparison, compare_with_baseline
from spikegeometry.model.classifier import new_classifier
from spikegeometry.model.finetuning import finetune
from spikegeometry.model.folders import save_model
from spikegeometry.model.training import _scores, target_losses
from tiny_bert import CLASSES, config, split_table

SETTINGS = {"epochs": 1, "batch_size": 4, "learning_rate": 0.005, "unknown_probability": 0.0, "tries": 3}


@pytest.mark.parametrize(("lost", "gained"), [(0, 0), (3, 0), (4, 0), (5, 1), (2, 6)])
def test_exact_test_by_hand(lost, gained):
    both, neither = 20, 2
    correct = np.array([True] * both + [False] * neither + [False] * lost + [True] * gained)
    baseline = np.array([True] * both + [False] * neither + [True] * lost + [False] * gained)
    found = compare_with_baseline(correct, baseline, np.arange(len(correct)))
    n = lost + gained
    chance = sum(comb(n, k) for k in range(lost, n + 1)) / 2**n
    assert found.p == pytest.approx(chance)
    assert (found.lost, found.gained, found.n) == (lost, gained, 22 + n)
    assert found.learnt == (chance >= 0.1)
    assert found.accuracy == pytest.approx((both + gained) / found.n)
    assert found.baseline_accuracy == pytest.approx((both + lost) / found.n)


def test_copies_count_once():
    """One sequence that only the baseline has right, eight times: no more than once, which is no evidence."""
    copies = np.array([0] * 8 + [1, 2])
    found = compare_with_baseline(copies > 0, np.ones(10), copies)
    assert (found.lost, found.n, found.p, found.learnt) == (1, 3, 0.5, True)


def test_a_sequence_of_no_class_is_to_have_equal_probabilities():
    logits = torch.tensor([[0.0, 0, 0], [2, 0, 0], [2, 0, 0]])
    answers = torch.tensor([OTHER_LABEL, OTHER_LABEL, 0])
    p = torch.softmax(logits, dim=1)
    even = torch.full((3,), 1 / 3)
    expected = [0, float((even * (even / p[1]).log()).sum()), float(-p[2, 0].log())]
    assert target_losses(logits, answers).tolist() == pytest.approx(expected, abs=1e-6)


def test_accuracy_is_of_sequences_with_a_class():
    """Losses, targets, correct ones, and those with a class: the argmax of a sequence of no class is never correct."""
    logits = torch.tensor([[2.0, 0, 0], [2, 0, 0], [0, 2, 0]])
    scores = _scores(logits, torch.tensor([0, OTHER_LABEL, 0]))
    assert scores[:, 1:].tolist() == [[1, 1, 1], [1, 0, 0], [1, 0, 1]]


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pretrained")
    torch.manual_seed(1)
    save_model(BertForMaskedLM(config()), folder)
    return folder


def tried(start, folder, compare, **settings):
    validation = split_table(9, seed=2)
    return finetune(
        start, CLASSES, split_table(12, seed=1), validation, SETTINGS | settings, compare,
        name="finetuned", seed=5, device=torch.device("cpu"), precision="fp32", checkpoints=folder,
    )  # fmt: skip


def judged(verdicts):
    """A comparison that gives these accuracies in their order; a network under 0.9 has not learnt."""
    given = iter(verdicts)

    def compare(correct):
        assert len(correct) == 9
        accuracy = next(given)
        return Comparison(accuracy, 1.0, 9, 9 - round(9 * accuracy), 0, 1.0 if accuracy > 0.9 else 0.01)

    return compare


def test_a_training_that_learnt_is_the_only_one(start, tmp_path):
    _, history, tries = tried(start, tmp_path, judged([1.0]))
    assert tries[["try", "seed", "learnt", "chosen"]].to_numpy().tolist() == [[1, 5, "yes", "yes"]]
    assert set(history["phase"]) == {"finetuned"}


def test_the_first_try_that_learnt_is_taken(start, tmp_path):
    model, _, tries = tried(start, tmp_path, judged([0.5, 1.0]))
    assert tries["learnt"].tolist() == ["no", "yes"] and tries["chosen"].tolist() == ["no", "yes"]
    assert tries["seed"].nunique() == 2
    # Another draw of the head: what it started from is no longer the first one's.
    seeds = tries["seed"].tolist()
    first, second = (new_classifier(start, CLASSES, seed).classifier.weight for seed in seeds)
    trained = model.classifier.weight
    assert (trained - second).abs().mean() < (trained - first).abs().mean()


def test_where_all_fail_the_best_by_validation_is_taken(start, tmp_path):
    _, _, tries = tried(start, tmp_path, judged([0.3, 0.6, 0.5]))
    assert tries["learnt"].tolist() == ["no"] * 3
    assert tries["chosen"].tolist() == ["no", "yes", "no"]


def test_a_try_that_is_not_finite_is_recorded_and_passed_over(start, tmp_path, monkeypatch):
    """The first of two trainings diverges for real: its learning rate is beyond any number."""
    rates = iter([1e30, 0.005])
    whole = __import__("spikegeometry.model.finetuning", fromlist=["train"]).train
    monkeypatch.setattr(
        "spikegeometry.model.finetuning.train",
        lambda model, training, validation, settings, **options: whole(
            model, training, validation, settings | {"learning_rate": next(rates)}, **options
        ),
    )
    _, _, tries = tried(start, tmp_path, judged([1.0]))
    assert tries["chosen"].tolist() == ["no", "yes"] and pd.isna(tries["validation_loss"][0])
    assert tries["accuracy"].isna().tolist() == [True, False]


def test_a_hopeless_learning_rate_says_so(start, tmp_path):
    with pytest.raises(InputError, match=r"finite in none of 2 tries.\nLower model\.finetune\.learning_rate"):
        tried(start, tmp_path, judged([]), tries=2, learning_rate=1e30)
