"""On a GPU: training in bf16, predictions as on the CPU, memory for one batch only.

Untested: no machine with a GPU has run these yet. They run where PyTorch finds one.
"""

import numpy as np
import pytest
import torch
from transformers import BertForMaskedLM

import small_training
from spikegeometry.model.data import EncodedRows
from spikegeometry.model.folders import save_model
from spikegeometry.model.prediction import logits, predict
from spikegeometry.model.recording import record, select
from spikegeometry.model.runtime import compile_model, number_format
from tiny_bert import CLASSES, classifier, config, split_table


def test_training_in_bf16_learns(gpu, tmp_path):
    assert number_format("auto", gpu) == torch.bfloat16
    torch.manual_seed(1)
    save_model(BertForMaskedLM(config()), tmp_path / "start")
    model, history = small_training.run(tmp_path / "start", tmp_path / "checkpoints", 600, device=gpu)
    losses = history.query("split == 'validation' and metric == 'loss'")["value"]
    assert losses.iloc[-1] < 0.9 * losses.iloc[0]
    assert next(model.parameters()).dtype == torch.float32


@pytest.mark.parametrize(("number_format", "tolerance"), [(torch.float32, 1e-4), (torch.bfloat16, 0.2)])
def test_predictions_are_those_of_the_cpu(gpu, number_format, tolerance):
    table = split_table(23, lengths=(4, 50))
    names = [f"logit_{name}" for name in CLASSES]
    expected = predict(classifier(), table, CLASSES, 4)[names]
    model = classifier().to(gpu)
    np.testing.assert_allclose(predict(model, table, CLASSES, 4, number_format)[names], expected, atol=tolerance)
    compile_model(model)
    np.testing.assert_allclose(predict(model, table, CLASSES, 4, number_format)[names], expected, atol=tolerance)


def test_recorded_activations_are_those_of_the_cpu(gpu, tmp_path):
    table = split_table(9, lengths=(4, 50))
    rows = EncodedRows(table)
    predictions, distinct = predict(classifier(), table, CLASSES, 4), np.arange(len(rows))
    sequences = select(predictions, rows.lengths, distinct, CLASSES, 2, correct_only=False, seed=1, most=99)
    for name, device in (("cpu", torch.device("cpu")), ("gpu", gpu)):
        record(classifier("eager").to(device), rows, sequences, rows.lengths.max(), 2, tmp_path / name)
    for name in ("cls.npy", "hidden_states.npy", "attention/red.npy"):
        cpu, on_gpu = (np.load(tmp_path / device / name, allow_pickle=False) for device in ("cpu", "gpu"))
        np.testing.assert_allclose(on_gpu, cpu, atol=1e-4)


def test_memory_does_not_grow_with_the_sequences(gpu):
    model, peaks = classifier().to(gpu), []
    for count in (40, 4000):
        torch.cuda.reset_peak_memory_stats()
        logits(model, split_table(count, lengths=(50, 50)), 8)
        peaks.append(torch.cuda.max_memory_allocated())
    # Each batch leaves its logits alone.
    assert peaks[1] - peaks[0] < 2**20
