"""Predictions in batches are those of one sequence at a time."""

import numpy as np
import pyarrow as pa
import pytest
import torch
from scipy.special import softmax

from spikegeometry.errors import InputError
from spikegeometry.model.classifier import load_classifier
from spikegeometry.model.data import EncodedRows, batches_by_length, collate, shard_rows
from spikegeometry.model.folders import save_model
from spikegeometry.model.prediction import predict
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


def test_rows_of_several_chunks_and_slices():
    parts = [split_table(3, lengths=(4, 9), seed=seed) for seed in range(3)]
    table = pa.concat_tables(parts)
    rows, part = EncodedRows(table), EncodedRows(table.slice(2, 5))
    expected = table["input_ids"].to_pylist()
    assert [ids.tolist() for ids in rows] == expected
    assert [ids.tolist() for ids in part] == expected[2:7]
    assert part.lengths.tolist() == list(map(len, expected[2:7]))


def test_batches_hold_neighbours_in_length_once_each():
    lengths = np.array([5, 9, 5, 7, 9])
    assert [batch.tolist() for batch in batches_by_length(lengths, 2)] == [[1, 4], [3, 0], [2]]


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
    assert collate([{"input_ids": np.array([2, 3]), "labels": 1}])["labels"].tolist() == [1]


def test_other_classes_are_refused(tmp_path):
    save_model(classifier(), tmp_path)
    assert load_classifier(tmp_path, CLASSES, CPU).config.num_labels == 3
    with pytest.raises(InputError, match="red, green, blue.*green, red, blue"):
        load_classifier(tmp_path, ["green", "red", "blue"], CPU)


def test_too_long_a_sequence_is_named():
    table = split_table(4, lengths=(70, 70))
    with pytest.raises(InputError, match=r"genome 0 has 72 tokens, the model reads 64"):
        predict(classifier(), table, CLASSES, batch_size=2)
