"""Training: repeatable, resumable, and what it starts from."""

import json
import logging
import math
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, BertForMaskedLM, BertForSequenceClassification, BertModel, TrainerState

import small_training
from checkout import SCRIPTS
from spikegeometry.dataset.vocabulary import SPECIAL_TOKENS
from spikegeometry.errors import InputError
from spikegeometry.figures.training import draw_training
from spikegeometry.model.base import copy_base, extended_base
from spikegeometry.model.classifier import load_classifier, new_classifier, untrained_classifier
from spikegeometry.model.data import NOT_A_TARGET, EncodedRows, collate
from spikegeometry.model.folders import save_model, save_tokenizer
from spikegeometry.model.pretraining import masked_examples, new_model
from spikegeometry.model.runtime import choose_device, number_format, prepare
from spikegeometry.model.training import (
    SNAPSHOTS,
    _Log,
    _WholeBatches,
    copy_snapshots,
    fingerprint,
    is_exhausted,
    kept_step,
    latest_checkpoint,
    ratio_error,
    snapshot_steps,
    train,
)
from spikegeometry.tables import read_tsv
from tiny_bert import CLASSES, VOCABULARY_SIZE, config, split_table

ARCHITECTURE = {
    "layers": 2,
    "heads": 2,
    "hidden_size": 16,
    "intermediate_size": 32,
    "initializer_range": 0.02,
    "dropout": 0.1,
}
TOKENS = [*SPECIAL_TOKENS, "AAAA", "CCCC", "GG--"]


@pytest.fixture(scope="module")
def start(tmp_path_factory) -> Path:
    """A start for the classifier, not trained."""
    folder = tmp_path_factory.mktemp("pretrained")
    torch.manual_seed(1)
    save_model(BertForMaskedLM(config()), folder)
    return folder


@pytest.fixture(scope="module")
def unbroken(start, tmp_path_factory):
    """Weights and history of a training that nothing interrupted."""
    folder = tmp_path_factory.mktemp("unbroken")
    model, history = small_training.run(start, folder / "checkpoints", checkpoint_seconds=600)
    save_model(model, folder / "model")
    return folder / "model", history


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def snapshots(checkpoints: Path) -> dict[str, bytes]:
    return {folder.name: weights(folder) for folder in sorted((checkpoints / SNAPSHOTS).iterdir())}


def test_history_is_complete_and_shows_learning(unbroken):
    _, history = unbroken
    assert list(history) == ["phase", "step", "epoch", "split", "metric", "value", "kept"]
    assert set(history.query("kept == 'yes'")["step"]) == {28}
    curves = history.pivot_table(index="step", columns=["split", "metric"], values="value")
    steps = 4 * 7  # 25 sequences in batches of 4
    assert curves["train", "loss"].dropna().index.tolist() == list(range(1, steps + 1))
    assert curves["validation", "loss"].dropna().index.tolist() == [7, 14, 21, 28]
    assert curves["train", "loss"].iloc[-7:].mean() < 0.9 * curves["train", "loss"].iloc[:7].mean()
    # Linear warm-up over a tenth of the steps, then linear to 0.
    assert curves["train", "learning_rate"].max() == pytest.approx(0.005)
    assert curves["train", "learning_rate"].idxmax() == 4
    assert curves["train", "learning_rate"].iloc[-1] == pytest.approx(0.005 / 25)


def test_the_same_configuration_gives_the_same_weights(unbroken, start, tmp_path):
    model, history = small_training.run(start, tmp_path / "checkpoints", checkpoint_seconds=600)
    save_model(model, tmp_path)
    assert weights(tmp_path) == weights(unbroken[0])
    pd.testing.assert_frame_equal(history, unbroken[1])
    other, _ = small_training.run(start, tmp_path / "others", checkpoint_seconds=600, seed=6)
    save_model(other, tmp_path)
    assert weights(tmp_path) != weights(unbroken[0])


def test_snapshots_lie_on_a_logarithmic_scale():
    # 1, 28^(1/3) = 3.04, 28^(2/3) = 9.2, 28
    assert snapshot_steps(28, 5) == [0, 1, 3, 9, 28]
    assert snapshot_steps(2, 12) == [0, 1, 2]  # no step twice
    assert snapshot_steps(28, 0) == []


def test_snapshots_are_the_models_of_their_steps(unbroken, start, tmp_path):
    kept = snapshots(unbroken[0].parent / "checkpoints")
    assert list(kept) == ["step-0000000", "step-0000001", "step-0000003", "step-0000009", "step-0000028"]
    save_model(new_classifier(start, CLASSES, seed=5), tmp_path / "before")
    assert kept["step-0000000"] == weights(tmp_path / "before")
    # The last epoch is the best one here, so that its model is the one that was kept.
    losses = unbroken[1].query("split == 'validation' and metric == 'loss'").set_index("step")["value"]
    assert losses.idxmin() == 28
    assert kept["step-0000028"] == weights(unbroken[0])
    copy_snapshots(unbroken[0].parent / "checkpoints", tmp_path / "copied")
    assert {folder.name: weights(folder) for folder in (tmp_path / "copied").iterdir()} == kept
    copy_snapshots(tmp_path / "none", tmp_path / "empty")
    assert not list((tmp_path / "empty").iterdir())


@pytest.mark.parametrize(("checkpoint_seconds", "resumed_at"), [(0, 17), (600, 14)], ids=["in an epoch", "at its end"])
def test_a_killed_training_ends_as_an_unbroken_one(unbroken, start, tmp_path, checkpoint_seconds, resumed_at):
    checkpoints = tmp_path / "checkpoints"
    # 28 examples an epoch: batches are whole. The loader is one ahead: those of step 19 are made when step 17 is done.
    killed = small_training.run_apart(start, tmp_path, checkpoint_seconds, die_at=2 * 28 + 4 * 4)
    assert killed.returncode == -signal.SIGKILL
    assert latest_checkpoint(checkpoints).name == f"checkpoint-{resumed_at}"
    model, history = small_training.run(start, checkpoints, checkpoint_seconds)
    save_model(model, tmp_path)
    assert weights(tmp_path) == weights(unbroken[0])
    assert snapshots(checkpoints) == snapshots(unbroken[0].parent / "checkpoints")
    pd.testing.assert_frame_equal(history, unbroken[1])


def test_two_processes_train_as_one_and_go_on_when_killed(tmp_path):
    torch.manual_seed(1)
    save_model(BertForMaskedLM(config(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)), tmp_path / "start")
    model, history = small_training.run(tmp_path / "start", tmp_path / "alone", checkpoint_seconds=600)
    together = tmp_path / "together"
    # Each has half of every batch.
    killed = small_training.run_apart(tmp_path / "start", together, 0, die_at=(2 * 28 + 4 * 4) // 2, processes=2)
    assert killed.returncode and "SIGKILL" in killed.stderr, killed.stderr
    assert latest_checkpoint(together / "checkpoints").name == "checkpoint-17"
    ended = small_training.run_apart(tmp_path / "start", together, 600, processes=2)
    assert ended.returncode == 0, ended.stderr
    pd.testing.assert_frame_equal(read_tsv(together / "history.tsv"), history, rtol=1e-4)
    shared = BertForSequenceClassification.from_pretrained(together)
    batch = small_training.collate_all(small_training.VALIDATION)
    with torch.no_grad():
        torch.testing.assert_close(shared.eval()(**batch).logits, model.eval()(**batch).logits, rtol=0, atol=1e-3)


def test_a_finished_training_is_not_trained_further(start, tmp_path):
    # Ended by patience, and killed before its weights were written out.
    settings = {"learning_rate": 0.3, "epochs": 30, "patience": 2}
    first, history = small_training.run(start, tmp_path, 600, **settings)
    checkpoints = sorted(path.name for path in tmp_path.iterdir())
    again, same = small_training.run(start, tmp_path, 600, **settings)
    pd.testing.assert_frame_equal(history, same)
    assert checkpoints == sorted(path.name for path in tmp_path.iterdir())
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))


def test_early_stopping_keeps_the_best_epoch(start, tmp_path):
    # So fast that the loss soon rises.
    model, history = small_training.run(start, tmp_path, 600, learning_rate=0.3, epochs=30, patience=2)
    losses = history.query("split == 'validation' and metric == 'loss'")["value"].tolist()
    assert len(losses) < 30
    assert len(losses) - 1 - int(np.argmin(losses)) == 2
    table = small_training.VALIDATION
    batch = small_training.collate_all(table)
    with torch.no_grad():
        each = torch.nn.functional.cross_entropy(model.eval()(**batch).logits, batch["labels"], reduction="none")
    assert each.mean().item() == pytest.approx(min(losses), abs=1e-4)
    kept = history.query("kept == 'yes' and split == 'validation'").set_index("metric")["value"]
    assert kept["loss"] == min(losses) < losses[-1] - kept["loss_error"]
    assert kept["loss_error"] == pytest.approx(each.std().item() / len(each) ** 0.5, abs=1e-4)


def entry(step, loss, error=0.5):
    return {"step": step, "eval_target_loss": loss, "eval_loss_error": error}


@pytest.mark.parametrize(
    ("log", "kept"),
    [
        ([entry(1, 3.0), entry(2, 2.0), entry(3, 2.5)], 3),  # no higher than the lowest and its error
        ([entry(1, 3.0), entry(2, 2.0), entry(3, 2.51, 9.0)], 2),  # the error is that of the lowest
        ([entry(1, 2.0), entry(2, 2.0), entry(3, 9.0)], 1),
        ([entry(1, 2.0), entry(2, 2.1), entry(3, math.nan)], 1),  # the last alone, or the lowest
        ([entry(1, math.inf), entry(2, math.nan)], None),
        ([{"step": 1, "loss": 1.0}], None),
    ],
)
def test_kept_step(log, kept):
    assert kept_step([*log, {"step": 3, "train_loss": 1.0}], 3) == kept


def test_kept_step_of_a_training_that_patience_ended():
    log = [entry(1, 2.0), entry(2, 2.1), entry(3, 2.1)]
    assert (kept_step(log, 3), kept_step(log, 30)) == (3, 1)


def test_error_of_a_mean_is_the_usual_one():
    """Where each sequence has one target, the ratio is a mean."""
    values = np.array([1.0, 2.0, 4.0, 9.0])
    both = np.stack([values, np.ones(4)])
    products = (both @ both.T).tolist()
    assert ratio_error(16.0, 4.0, products, 4) == pytest.approx(values.std(ddof=1) / 2)
    assert ratio_error(3.0, 1.0, [[9.0, 3.0], [3.0, 1.0]], 1) == 0.0


def test_patience():
    log = [{"eval_target_loss": loss} for loss in (3.0, 2.0, 2.5, 2.0)]
    assert not is_exhausted(log[:3], 2)
    assert is_exhausted(log, 2)
    assert not is_exhausted(log, 0)
    assert not is_exhausted([{"loss": 1.0}], 1)


def test_checkpoints_cut_short_are_removed(tmp_path):
    for step, state in (("5", "{}"), ("40", "{}"), ("100", '{"cut'), ("200", None)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        if state:
            (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text(state)
    assert latest_checkpoint(tmp_path).name == "checkpoint-40"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-40", "checkpoint-5"]
    assert latest_checkpoint(tmp_path / "none") is None


def test_fingerprint_changes_with_content_and_settings(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"2")
    files = [tmp_path / "a", tmp_path / "b"]
    first = fingerprint(files, {"seed": 1, "epochs": 2})
    assert first == fingerprint(files, {"epochs": 2, "seed": 1})
    assert first != fingerprint(files, {"epochs": 2, "seed": 2})
    assert first != fingerprint(files[::-1], {"epochs": 2, "seed": 1})


def test_masked_pretraining_learns(tmp_path):
    rows = EncodedRows(split_table(30, lengths=(12, 12)))
    settings = {"epochs": 3, "batch_size": 6, "learning_rate": 0.01, "mask_probability": 0.3, "mask_span": 2}
    training, validation = (masked_examples(rows, settings, VOCABULARY_SIZE, seed) for seed in (1, 2))
    assert not np.array_equal(training[0]["input_ids"], validation[0]["input_ids"])
    model, history = train(
        new_model(ARCHITECTURE, VOCABULARY_SIZE, 14, seed=1),
        training,
        validation,
        settings,
        phase="pretrain",
        seed=1,
        device=prepare("cpu", 1),
        precision="fp32",
        checkpoints=tmp_path,
    )
    losses = history.query("split == 'validation' and metric == 'loss'")["value"]
    assert losses.iloc[-1] < losses.iloc[0] < np.log(VOCABULARY_SIZE) + 0.5
    # The mean over all hidden k-mers, however many a batch has of them.
    batch = collate([validation[row] for row in range(len(validation))])
    answers = batch["labels"][batch["targets"]]
    with torch.no_grad():
        each = torch.nn.functional.cross_entropy(model.eval()(**batch).logits, answers, reduction="none").numpy()
    assert each.mean() == pytest.approx(losses.min(), abs=1e-5)
    # Its error is that of a ratio of sums over the sequences. Each left out in turn gives nearly the same (jackknife).
    sequences = batch["targets"].nonzero()[:, 0].numpy()
    counts, totals = np.bincount(sequences, minlength=30), np.bincount(sequences, each, minlength=30)
    without = (totals.sum() - totals) / (counts.sum() - counts)
    kept = history.query("kept == 'yes' and metric == 'loss_error'")["value"].item()
    assert kept == pytest.approx(np.sqrt(29 / 30 * np.square(without - without.mean()).sum()), rel=0.05)
    assert model.config.max_position_embeddings == 64
    assert set(history["phase"]) == {"pretrain"}


def test_the_masked_head_reads_targets_only_and_learns_the_same():
    """Logits and gradients are those of the whole model on every token."""
    ours = new_model(ARCHITECTURE, VOCABULARY_SIZE, 14, seed=1).eval()
    theirs = BertForMaskedLM(ours.config).eval()
    theirs.load_state_dict(ours.state_dict())
    rows = EncodedRows(split_table(5, lengths=(6, 12)))
    settings = {"mask_probability": 0.3, "mask_span": 1}
    examples = masked_examples(rows, settings, VOCABULARY_SIZE, seed=2)
    batch = collate([examples[row] for row in range(5)])
    targets = batch["targets"]
    assert torch.equal(targets, batch["labels"] != NOT_A_TARGET)
    assert 0 < targets.sum() < 0.5 * targets.numel()
    found, expected = ours(**batch).logits, theirs(batch["input_ids"], batch["attention_mask"]).logits[targets]
    assert found.shape == (targets.sum(), VOCABULARY_SIZE)
    torch.testing.assert_close(found, expected)
    found.square().sum().backward()
    expected.square().sum().backward()
    for (name, one), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert (one.grad is None) == (other.grad is None), name
        if one.grad is not None:
            assert torch.allclose(one.grad, other.grad, atol=1e-6), name
    assert type(ours).__name__ == "BertForMaskedLM"


def test_what_fills_the_last_batch_is_no_target():
    """Five examples in batches of four are eight, of which the last three teach nothing."""
    filled = _WholeBatches(small_training.examples(split_table(5), 0.0), batch_size=4)
    labels = [int(filled[row]["labels"]) for row in range(len(filled))]
    assert labels == [0, 1, 2, 0, 1, *[NOT_A_TARGET] * 3]


def test_examples_follow_from_seed_epoch_and_row():
    examples = small_training.examples(small_training.TRAINING, 0.5)
    first = [examples[row]["input_ids"].tolist() for row in range(5)]
    assert first == [examples[row]["input_ids"].tolist() for row in range(5)]
    examples.epoch = 1
    assert first != [examples[row]["input_ids"].tolist() for row in range(5)]


def test_positions_leave_room_for_insertions():
    assert new_model(ARCHITECTURE, 20, longest=426, seed=1).config.max_position_embeddings == 448
    assert new_model(ARCHITECTURE, 20, longest=440, seed=1).config.max_position_embeddings == 512


FAULTS = """
import resource, torch
from spikegeometry.model.runtime import prepare
prepare("cpu", 1)
def use():
    tensors = [torch.ones(5_000_000) for _ in range(4)]
use()
use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_freed_memory_is_used_again():
    """The tensors of 20 rounds have 390,000 pages, of which the kernel gives few anew: what it took back."""
    ended = subprocess.run([sys.executable, "-c", FAULTS], cwd=SCRIPTS, capture_output=True, text=True, check=True)
    assert int(ended.stdout) < 390_000 / 10


def test_random_control_has_the_shape_and_nothing_else_of_the_classifier(start, tmp_path):
    trained, untrained = new_classifier(start, CLASSES, 1), untrained_classifier(start, CLASSES, 1)
    for name, model in (("trained", trained), ("untrained", untrained)):
        save_model(model, tmp_path / name)
    assert (tmp_path / "trained/config.json").read_text() == (tmp_path / "untrained/config.json").read_text()
    mine, its = trained.state_dict(), untrained.state_dict()
    assert mine.keys() == its.keys()
    matrices = [name for name, tensor in mine.items() if tensor.ndim == 2]
    assert matrices
    assert not any(torch.equal(mine[name], its[name]) for name in matrices)
    again = untrained_classifier(start, CLASSES, 1).state_dict()
    assert all(torch.equal(its[name], again[name]) for name in its)
    assert load_classifier(tmp_path / "untrained", CLASSES, torch.device("cpu")).config.id2label[2] == "blue"


@pytest.fixture
def base(tmp_path) -> Path:
    """A published BERT: other ids, special tokens at other places, and one of our k-mers."""
    folder = tmp_path / "base"
    torch.manual_seed(3)
    save_model(BertModel(config()), folder)
    words = ["the", "[MASK]", "[SEP]", "[UNK]", "[CLS]", "[PAD]", "AAAA", "virus"]
    save_tokenizer(words + [f"word{number}" for number in range(VOCABULARY_SIZE - len(words))], 64, folder)
    return folder


def test_a_base_keeps_its_encoder_and_gets_our_tokens(base):
    published = BertModel.from_pretrained(base)
    known = AutoTokenizer.from_pretrained(base).get_vocab()
    model = extended_base(str(base), TOKENS, longest=14, seed=1)
    theirs, ours = published.state_dict(), model.state_dict()
    for name in theirs.keys() - {"embeddings.word_embeddings.weight"}:
        assert torch.equal(theirs[name], ours[name]), name
    old, new = (state["embeddings.word_embeddings.weight"] for state in (theirs, ours))
    assert new.shape == (8, 16)
    for number, token in enumerate([*SPECIAL_TOKENS, "AAAA"]):
        assert torch.equal(new[number], old[known[token]])
    assert not (new[6][None] == old).all(dim=1).any()
    again = extended_base(str(base), TOKENS, longest=14, seed=1).state_dict()
    assert torch.equal(new, again["embeddings.word_embeddings.weight"])


def test_a_copy_of_a_base_serves_as_the_base_itself(base, tmp_path, caplog):
    with caplog.at_level("INFO"):
        copy_base(str(base), tmp_path / "copy")
    tensors = load_file(base / "model.safetensors")
    assert f"{len(tensors)} tensors, all of the encoder's, and {VOCABULARY_SIZE} tokens" in caplog.text
    copied = load_file(tmp_path / "copy/model.safetensors")
    assert copied.keys() == tensors.keys() and all(torch.equal(copied[name], tensors[name]) for name in tensors)
    own, of_copy = (extended_base(str(folder), TOKENS, 14, 1).state_dict() for folder in (base, tmp_path / "copy"))
    assert all(torch.equal(own[name], of_copy[name]) for name in own)


def test_a_start_from_a_base_can_be_read_as_a_classifier(base, tmp_path):
    model = extended_base(str(base), TOKENS, longest=14, seed=1)
    save_model(model, tmp_path / "start")
    classifier = new_classifier(tmp_path / "start", CLASSES, seed=1)
    assert torch.equal(classifier.bert.pooler.dense.weight, model.pooler.dense.weight)
    assert classifier.config.vocab_size == len(TOKENS)


def test_bases_that_cannot_serve(base, tmp_path):
    with pytest.raises(InputError, match=r"model\.base: .* reads 64 tokens.* 65"):
        extended_base(str(base), TOKENS, longest=65, seed=1)
    with pytest.raises(InputError, match=r"model\.base: .*nowhere cannot be read"):
        extended_base(str(tmp_path / "nowhere"), TOKENS, longest=14, seed=1)
    shutil.move(base / "model.safetensors", base / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"model\.base: .*cannot be read"):
        extended_base(str(base), TOKENS, longest=14, seed=1)


def alter(tensors, name, tensor=None, renamed=None):
    """Take a tensor out, or put another in its place, or give it another name."""
    own = tensors.pop(name, None)
    if tensor is not None or renamed:
        tensors[renamed or name] = own if tensor is None else tensor


KEY, BIAS = "encoder.layer.0.attention.self.key.weight", "encoder.layer.0.output.dense.bias"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "encoder.layer.1.output.dense.weight"}, "lacks encoder.layer.1.output.dense.weight"),
        ({"name": KEY, "renamed": "encoder.layer.0.fused.weight"}, f"lacks {KEY}"),
        ({"name": "encoder.extra", "tensor": torch.ones(2)}, "has besides encoder.extra"),
        ({"name": BIAS, "tensor": torch.ones(5)}, f"misfits {BIAS}"),
        ({"name": BIAS, "tensor": torch.full((16,), float("nan"))}, f"has weights that are no numbers in {BIAS}"),
    ],
)
def test_weights_that_do_not_fit_are_named(base, change, message):
    tensors = load_file(base / "model.safetensors")
    alter(tensors, **change)
    save_file(tensors, base / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match=re.escape(message)) as refused:
        extended_base(str(base), TOKENS, longest=14, seed=1)
    assert len(str(refused.value).splitlines()) == 2


def test_a_base_without_pooler_and_with_a_head_serves(base):
    tensors = load_file(base / "model.safetensors")
    tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith("pooler.")}
    save_file(tensors | {"cls.predictions.bias": torch.ones(3)}, base / "model.safetensors", {"format": "pt"})
    assert extended_base(str(base), TOKENS, longest=14, seed=1).config.vocab_size == len(TOKENS)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("model.safetensors", b"", "cannot be read"),
        (
            "model.safetensors",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
            "has no model.safetensors but a pointer to it: fetch it with `git lfs pull`",
        ),
        ("config.json", b'{"model_type": "bert", "hidden', "cannot be read"),
        ("config.json", b'{"model_type": "roberta"}', "is of type roberta, not bert"),
        ("config.json", b'{"model_type": "bert"}', "has no num_hidden_layers, num_attention_heads"),
        ("config.json", b'{"hidden_size": 16}', "has no model_type, num_hidden_layers, num_attention_heads"),
    ],
)
def test_files_that_are_cut_or_of_another_model(base, file, text, message):
    (base / file).write_bytes(text)
    with pytest.raises(InputError, match=re.escape(message)) as refused:
        extended_base(str(base), TOKENS, longest=14, seed=1)
    assert len(str(refused.value).splitlines()) == 2


def test_a_tokenizer_of_more_tokens_than_embeddings_is_refused(base):
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"word{number}" for number in range(VOCABULARY_SIZE))]
    save_tokenizer(words, 64, base)
    with pytest.raises(InputError, match=f"has a tokenizer of {len(words)} tokens and embeddings of {VOCABULARY_SIZE}"):
        extended_base(str(base), TOKENS, longest=14, seed=1)


def test_relative_positions_are_refused(base):
    settings = json.loads((base / "config.json").read_text(encoding="utf-8"))
    settings["position_embedding_type"] = "relative_key"
    (base / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    with pytest.raises(InputError, match="has relative_key positions"):
        extended_base(str(base), TOKENS, longest=14, seed=1)


def test_a_base_needs_a_tokenizer_of_its_own(base):
    for name in ("tokenizer.json", "vocab.txt"):
        (base / name).unlink()
    with pytest.raises(InputError, match=r"has no tokenizer \(tokenizer.json or vocab.txt\)"):
        extended_base(str(base), TOKENS, longest=14, seed=1)


def test_threads_and_precision():
    cpu = prepare("cpu", threads=1)
    assert cpu == torch.device("cpu")
    assert torch.get_num_threads() == 1
    assert number_format("auto", cpu) == number_format("fp32", cpu) == torch.float32
    assert number_format("bf16", cpu) == torch.bfloat16
    with pytest.raises(InputError, match=r"model\.precision: fp16 needs a GPU"):
        number_format("fp16", cpu)


def test_choice_of_the_device():
    assert choose_device("auto", 2).type == choose_device("cuda", 2, wanted=2).type == "cuda"
    assert choose_device("auto", 0, wanted=2).type == choose_device("cpu", 2).type == "cpu"
    with pytest.raises(InputError, match=r"model\.device: it is cuda, but this machine shows no GPU"):
        choose_device("cuda", 0)
    with pytest.raises(InputError, match=r"model\.gpus: it is 4, but this machine shows 2"):
        choose_device("auto", 2, wanted=4)


def test_figure_shows_each_phase(unbroken):
    history = unbroken[1]
    figure = draw_training(pd.concat([history.assign(phase="pretrain"), history, history.assign(phase="seed1")]))
    titles = [axes.get_title() for axes in figure.axes[:3]]
    assert titles == [
        f"{title}\nn = 4 epochs"
        for title in ("Pre-training: masked k-mers", "Fine-tuning: classes", "Fine-tuning: seed 1")
    ]
    assert all(axes.get_ylabel() for axes in figure.axes)


def test_log_says_the_pace_since_the_training_went_on(monkeypatch, caplog):
    """100 steps in 50 s since step 20: 2 in a second, and 880 more are left."""
    clock = iter([1000.0, 1050.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    state = TrainerState(global_step=20, max_steps=1000, epoch=0.5)
    log = _Log("finetune")
    log.on_train_begin(None, state, None)
    state.global_step = 120
    with caplog.at_level(logging.INFO):
        log.on_log(None, state, None, {"loss": 1.5})
    assert caplog.messages == ["finetune: step 120 of 1000, epoch 0.50: training loss 1.5000, 2/s, 7 min left"]
