"""Recorded activations are those of each sequence alone."""

import numpy as np
import pandas as pd
import pytest
import torch

from spikegeometry.errors import InputError
from spikegeometry.model.activations import read_recorded
from spikegeometry.model.assembly import gather_attention, gather_tokens, gather_vectors
from spikegeometry.model.data import EncodedRows, shard_rows
from spikegeometry.model.prediction import predict
from spikegeometry.model.recording import record, select
from spikegeometry.tables import write_tsv
from tiny_bert import CLASSES, classifier, split_table

ROWS, SHARDS = 14, 3


def naive(model, table):
    """Hidden states (L+1, n, d) and attentions (L, H, n, n) of each row alone, without padding."""
    with torch.no_grad():
        for ids in table["input_ids"].to_pylist():
            output = model(input_ids=torch.tensor([ids]), output_hidden_states=True, output_attentions=True)
            yield torch.stack(output.hidden_states)[:, 0], torch.stack(output.attentions)[:, 0]


def selected(predictions, lengths, per_class, correct_only=False, seed=1, most=99):
    """A choice among sequences of which no two are equal."""
    return select(predictions, lengths, np.arange(len(lengths)), CLASSES, per_class, correct_only, seed, most)


@pytest.fixture(scope="module")
def table():
    return split_table(ROWS, lengths=(4, 30))


@pytest.fixture(scope="module")
def model():
    return classifier("eager")


@pytest.fixture(scope="module")
def folder(table, model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("activations")
    rows = EncodedRows(table)
    sequences = select(
        predict(model, table, CLASSES, 4),
        rows.lengths,
        np.arange(len(rows)),
        CLASSES,
        3,
        correct_only=False,
        seed=1,
        most=99,
    )
    write_tsv(sequences, folder / "sequences.tsv")
    shards = [folder / str(shard) for shard in range(SHARDS)]
    for number, shard in enumerate(shards):
        part = shard_rows(ROWS, number, SHARDS)
        part_rows = EncodedRows(table.slice(part.start, part.stop - part.start))
        record(model, part_rows, sequences[part].reset_index(drop=True), rows.lengths.max(), 2, shard)
    gather_vectors(shards, sequences, folder / "cls.npy", folder / "hidden_states.npy")
    gather_tokens(rows, sequences, folder / "tokens.npy")
    gather_attention(shards, sequences, folder / "attention_mean.npz")
    return folder


def test_cls_is_the_first_hidden_state(folder, table, model):
    cls = np.load(folder / "cls.npy", allow_pickle=False)
    assert cls.shape == (ROWS, 3, 16)
    assert cls.dtype == np.float32
    for ours, (hidden, _) in zip(cls, naive(model, table), strict=True):
        np.testing.assert_allclose(ours, hidden[:, 0], atol=1e-5)


def test_recorded_hidden_states(folder, table, model):
    expected = list(naive(model, table))
    recorded = read_recorded(folder)
    assert len(recorded) == 9
    for place, (row, hidden) in enumerate(recorded):
        assert row["recorded"] == place
        assert hidden.dtype == torch.float32
        assert hidden.shape == (3, row["length"], 16)
        np.testing.assert_allclose(hidden, expected[row["index"]][0], atol=1e-5)
        ids = table["input_ids"][int(row["index"])].as_py()
        assert recorded.tokens[place].tolist() == ids + [0] * (recorded.tokens.shape[1] - len(ids))
        assert not recorded.hidden_states[place, :, row["length"] :].any()
    assert recorded.sequences["class"].tolist() == [name for name in CLASSES for _ in range(3)]


def test_attention_is_the_mean_over_sequences_that_have_the_row(folder, table, model):
    attentions = [attention.numpy() for _, attention in naive(model, table)]
    longest = max(attention.shape[-1] for attention in attentions)
    names = table["class"].to_pylist()
    with np.load(folder / "attention_mean.npz", allow_pickle=False) as archive:
        for name in CLASSES:
            own = [attention for attention, other in zip(attentions, names, strict=True) if other == name]
            most = max(attention.shape[-1] for attention in own)
            expected = np.full((2, 2, longest, longest), np.nan)
            for query in range(most):
                rows = [attention[:, :, query] for attention in own if attention.shape[-1] > query]
                padded = [np.pad(row, ((0, 0), (0, 0), (0, most - row.shape[-1]))) for row in rows]
                expected[:, :, query, :most] = np.mean(padded, axis=0)
            np.testing.assert_allclose(archive[name][..., :most, :most].sum(axis=-1), 1, atol=1e-5)
            assert archive[name].dtype == np.float32
            np.testing.assert_allclose(archive[name], expected, atol=1e-5)
            assert archive[f"count_{name}"] == len(own)


def test_mean_rows_sum_to_one_where_all_sequences_are_of_one_length(tmp_path):
    table, model = split_table(6, lengths=(10, 10)), classifier("eager")
    rows = EncodedRows(table)
    sequences = select(
        predict(model, table, CLASSES, 4),
        rows.lengths,
        np.arange(len(rows)),
        CLASSES,
        1,
        correct_only=False,
        seed=1,
        most=99,
    )
    record(model, rows, sequences, 12, 4, tmp_path / "0")
    gather_attention([tmp_path / "0"], sequences, tmp_path / "mean.npz")
    with np.load(tmp_path / "mean.npz", allow_pickle=False) as archive:
        np.testing.assert_allclose(archive["red"].sum(axis=-1), 1, atol=1e-5)


def test_a_shard_without_rows_or_recorded_sequences(table, model, tmp_path):
    sequences = select(
        predict(model, table, CLASSES, 4),
        EncodedRows(table).lengths,
        np.arange(table.num_rows),
        CLASSES,
        1,
        False,
        seed=1,
        most=99,
    )
    record(model, EncodedRows(table.slice(0, 0)), sequences[:0], 32, 2, tmp_path / "0")
    assert np.load(tmp_path / "0" / "cls.npy").shape == (0, 3, 16)
    assert np.load(tmp_path / "0" / "hidden_states.npy", mmap_mode="r").shape == (0, 3, 32, 16)


@pytest.fixture
def predictions():
    names = ["red"] * 20 + ["green"] * 5 + ["blue"] * 2
    return pd.DataFrame(
        {
            "accession": [str(row) for row in range(27)],
            "class": names,
            "predicted": ["red"] * 27,
            "correct": [name == "red" for name in names],
        }
    )


def test_selection_is_seeded_and_balanced(predictions):
    lengths = np.full(27, 8)
    first, again, other = (selected(predictions, lengths, 4, False, seed, 99) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert (first["recorded"] != other["recorded"]).any()
    kept = first[first["recorded"] >= 0]
    assert kept["class"].value_counts().to_dict() == {"red": 4, "green": 4, "blue": 2}
    assert sorted(kept["recorded"]) == list(range(10))
    assert first["index"].tolist() == list(range(27))


def test_of_copies_one_is_recorded(predictions):
    """Twenty red rows of five sequences: where six are asked for, five are to be had."""
    inputs = np.r_[np.arange(20) % 5, np.arange(5, 12)]
    chosen = select(predictions, np.full(27, 8), inputs, CLASSES, 6, False, 1, 99)
    kept = chosen[chosen["recorded"] >= 0]
    assert kept["class"].value_counts().to_dict() == {"red": 5, "green": 5, "blue": 2}
    assert len(set(inputs[kept["index"]])) == len(kept)


def test_of_large_classes_a_sample_is_read(predictions):
    lengths = np.arange(27)
    everything, some = (selected(predictions, lengths, 3, False, 1, most) for most in (99, 5))
    assert some["class"].value_counts().to_dict() == {"red": 5, "green": 5, "blue": 2}
    assert some["index"].is_monotonic_increasing and (some["length"] == some["index"]).all()
    # The same sequences are recorded.
    recorded = everything[everything["recorded"] >= 0].reset_index(drop=True)
    pd.testing.assert_frame_equal(some[some["recorded"] >= 0].reset_index(drop=True), recorded)
    fewer = selected(predictions, lengths, 3, False, 1, 1)
    assert (fewer["recorded"] >= 0).all() and fewer["class"].value_counts().max() == 3


def test_selection_among_the_correct_only(predictions):
    lengths = np.full(27, 8)
    kept = selected(predictions, lengths, 4, True, 1, 99).query("recorded >= 0")
    assert set(kept["class"]) == {"red"}
    with pytest.raises(InputError, match=r"activations\.correct_only"):
        selected(predictions.assign(correct=False), lengths, 4, True, 1, 99)


def test_activations_that_are_not_finite_name_layer_and_sequence(table, tmp_path):
    broken = classifier("eager")
    with torch.no_grad():
        broken.bert.encoder.layer[1].output.LayerNorm.bias[3] = float("nan")
    sequences = select(
        predict(broken, table, CLASSES, 4),
        EncodedRows(table).lengths,
        np.arange(table.num_rows),
        CLASSES,
        1,
        False,
        seed=1,
        most=99,
    )
    with pytest.raises(InputError, match=r"layer 2 is not finite for genome \d+"):
        record(broken, EncodedRows(table), sequences, 32, 2, tmp_path / "0")
