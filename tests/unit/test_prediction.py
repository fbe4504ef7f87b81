"""Predictions in batches are those of one sequence at a time."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from checkout import SCRIPTS
from spikegeometry.dataset.encoding import number_rows
from spikegeometry.errors import InputError
from spikegeometry.model.classifier import load_classifier
from spikegeometry.model.data import EncodedRows, batches_by_length, collate, shard_rows
from spikegeometry.model.folders import save_model
from spikegeometry.model.prediction import logits, predict
from spikegeometry.model.runtime import compile_model
from tiny_bert import CLASSES, classifier, split_table

CPU = torch.device("cpu")


def naive(model, table):
    """Probabilities of each row alone: no batch, no padding, no mask."""
    with torch.no_grad():
        return np.array(
            [
                model(input_ids=torch.tensor([ids])).logits.softmax(-1)[0].tolist()
                for ids in table["input_ids"].to_pylist()
            ]
        )


def test_predictions_are_those_of_each_sequence_alone():
    table = split_table(23, lengths=(4, 50))
    model = classifier()
    result = predict(model, table, CLASSES, batch_size=4)
    expected = naive(model, table)
    shares = result[[f"p_{name}" for name in CLASSES]].to_numpy()
    outputs = result[[f"logit_{name}" for name in CLASSES]].to_numpy()
    assert shares.dtype == outputs.dtype == np.float32
    np.testing.assert_allclose(softmax(outputs, axis=1), shares, atol=1e-6)
    np.testing.assert_allclose(shares, expected, atol=1e-5)
    assert len(np.unique(result["predicted"])) > 1
    assert result["predicted"].tolist() == [CLASSES[best] for best in expected.argmax(axis=1)]
    assert (result["correct"] == (result["predicted"] == result["class"])).all()
    assert result["accession"].tolist() == table["accession"].to_pylist()
    assert list(result) == [
        "accession",
        "class",
        "label",
        "predicted",
        "correct",
        "p_red",
        "p_green",
        "p_blue",
        "logit_red",
        "logit_green",
        "logit_blue",
        "unknown",
    ]


def test_equal_sequences_are_read_once():
    table, chosen = split_table(5, lengths=(4, 9)), [3, 0, 3, 1, 0, 4, 2, 3]
    repeated = table.take(chosen)
    assert number_rows(repeated).tolist() == [0, 1, 0, 2, 1, 3, 4, 0]
    model, read = classifier(), []
    model.register_forward_pre_hook(lambda _, args, inputs: read.append(inputs["input_ids"]), with_kwargs=True)
    outputs = logits(model, repeated, batch_size=2)
    assert sum(map(len, read)) == 5
    np.testing.assert_allclose(outputs, logits(model, table, batch_size=5)[chosen], atol=1e-6)


def test_shards_together_are_the_whole():
    table = split_table(10, lengths=(4, 20))
    model = classifier()
    whole = predict(model, table, CLASSES, batch_size=3)
    assert [shard_rows(10, shard, 4) for shard in range(4)] == [slice(0, 2), slice(2, 5), slice(5, 7), slice(7, 10)]
    accessions = []
    for shard in range(4):
        rows = shard_rows(10, shard, 4)
        accessions += predict(model, table.slice(rows.start, rows.stop - rows.start), CLASSES, 3)["accession"].tolist()
    assert accessions == whole["accession"].tolist()


def test_an_empty_shard_keeps_the_columns():
    model = classifier()
    empty = predict(model, split_table(3).slice(0, 0), CLASSES, batch_size=2)
    full = predict(model, split_table(3), CLASSES, batch_size=2)
    assert len(empty) == 0
    assert list(empty) == list(full)


def test_other_is_never_correct():
    table = split_table(3)
    labels = pa.array([-1, -1, -1], pa.int32())
    table = table.set_column(table.schema.get_field_index("label"), "label", labels)
    assert not predict(classifier(), table, CLASSES, batch_size=3)["correct"].any()


WITHOUT_COMPILER = """
import torch
from spikegeometry.model.runtime import compile_model
model = torch.nn.Linear(2, 2)
model.device = torch.device("cpu")
compile_model(model)
model(torch.ones(2))
"""


def test_without_a_compiler_the_model_stays_as_it_is(tmp_path):
    environment = os.environ | {"CXX": "no-such-compiler", "TORCHINDUCTOR_CACHE_DIR": str(tmp_path)}
    environment["PYTHONPATH"] = str(SCRIPTS)
    command = [sys.executable, "-c", WITHOUT_COMPILER]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "Config key model.compile: nothing can be compiled here, going on without: " in result.stderr
    assert "No working C++ compiler" in result.stderr


def test_rows_of_several_chunks_and_slices():
    parts = [split_table(3, lengths=(4, 9), seed=seed) for seed in range(3)]
    table = pa.concat_tables(parts)
    rows, part = EncodedRows(table), EncodedRows(table.slice(2, 5))
    expected = table["input_ids"].to_pylist()
    assert [ids.tolist() for ids in rows] == expected
    assert [ids.tolist() for ids in part] == expected[2:7]
    assert part.lengths.tolist() == list(map(len, expected[2:7]))


def test_batches_hold_neighbours_in_length():
    lengths = np.array([5, 9, 5, 7, 9, 3])
    # 18 tokens: two sequences of 9 or 7, three of 5.
    assert [batch.tolist() for batch in batches_by_length(lengths, 2)] == [[1, 4], [3, 0], [2, 5]]
    assert [batch.tolist() for batch in batches_by_length(lengths[[0, 2, 5, 5]], 2)] == [[0, 1], [2, 3]]
    assert batches_by_length(lengths[:0], 2) == []


@given(st.lists(st.integers(2, 500), min_size=1, max_size=60), st.integers(1, 9))
def test_batches_take_every_row_once_and_all_the_tokens_there_is_room_for(lengths, batch_size):
    batches, lengths = batches_by_length(np.array(lengths, dtype=np.int32), batch_size), np.array(lengths)
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))
    budget = batch_size * lengths.max()
    for batch, following in zip(batches, [*batches[1:], None], strict=True):
        longest = lengths[batch].max()
        assert len(batch) * longest <= budget
        if following is not None:
            assert (len(batch) + 1) * longest > budget
            assert lengths[batch].min() >= lengths[following].max()


def test_in_bf16_predictions_are_nearly_those_in_fp32():
    table, model = split_table(23, lengths=(4, 50)), classifier()
    exact, near = (predict(model, table, CLASSES, 4, dtype) for dtype in (torch.float32, torch.bfloat16))
    logits = [f"logit_{name}" for name in CLASSES]
    assert (near.dtypes == exact.dtypes).all()
    # bf16 keeps 8 bits of each product; these logits are between -8 and 8.
    difference = np.abs(exact[logits] - near[logits]).to_numpy()
    assert 0 < difference.max() < 0.2
    assert next(model.parameters()).dtype == torch.float32


def test_compiled_predictions_are_those_of_the_model():
    table, model = split_table(23, lengths=(4, 50)), classifier(num_hidden_layers=1)
    shares = [f"p_{name}" for name in CLASSES]
    expected = predict(model, table, CLASSES, batch_size=4)[shares]
    compile_model(model)
    assert (model._compiled_call_impl is not None) == any(map(shutil.which, ("g++", "clang++")))
    np.testing.assert_allclose(predict(model, table, CLASSES, batch_size=4)[shares], expected, atol=1e-5)


def test_collate_pads_ids_labels_and_mask():
    batch = collate(
        [
            {"input_ids": np.array([2, 9, 3]), "labels": np.array([-100, 9, -100])},
            {"input_ids": np.array([2, 3]), "labels": np.array([-100, -100])},
        ]
    )
    assert batch["input_ids"].tolist() == [[2, 9, 3], [2, 3, 0]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]]
    assert batch["labels"].tolist() == [[-100, 9, -100], [-100, -100, -100]]
    assert batch["targets"].tolist() == [[False, True, False], [False] * 3]


def test_a_mask_that_hides_nothing_is_left_out():
    batch = collate([{"input_ids": np.array([2, 3]), "labels": label} for label in (1, 0)])
    assert {name: values.tolist() for name, values in batch.items()} == {"input_ids": [[2, 3]] * 2, "labels": [1, 0]}


def test_other_classes_are_refused(tmp_path):
    save_model(classifier(), tmp_path)
    assert load_classifier(tmp_path, CLASSES, CPU).config.num_labels == 3
    with pytest.raises(InputError, match="red, green, blue.*green, red, blue"):
        load_classifier(tmp_path, ["green", "red", "blue"], CPU)


def test_too_long_a_sequence_is_named():
    table = split_table(4, lengths=(70, 70))
    with pytest.raises(InputError, match=r"genome 0 has 72 tokens, the model reads 64"):
        predict(classifier(), table, CLASSES, batch_size=2)
