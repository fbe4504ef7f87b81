"""Baselines on toys with known answers, and the nearest neighbour against a plain search."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import sparse

from spikegeometry.dataset.encoding import SCHEMA
from spikegeometry.dataset.predictions import prediction_table
from spikegeometry.errors import InputError
from spikegeometry.evaluation.baselines import (
    KmerLogistic,
    Majority,
    Sequences,
    common_kmers,
    kmer_presence,
    read_kmers,
    read_projected,
    read_rows,
)
from spikegeometry.evaluation.neighbours import NearestNeighbour, nearest


def sequences(labels, projected=None, kmers=None):
    n = len(labels)
    rows = pd.DataFrame({"accession": [f"s{i}" for i in range(n)], "class": "x", "label": labels, "unknown": 0})
    return Sequences(rows, sparse.csr_array(np.zeros((n, 1)) if kmers is None else kmers), projected or ["A"] * n)


def called(baseline, train, tested, n_classes=3):
    return baseline.fit(train, n_classes).predict(tested).argmax(1)


def linear(train, validation, n_classes):
    return KmerLogistic().fit(train, validation, n_classes)


def test_majority_accuracy_is_the_largest_share():
    train = sequences([0, 1, 1, 1, 2])
    probabilities = Majority().fit(train, 3).predict(train)
    assert probabilities.tolist() == [[0.2, 0.6, 0.2]] * 5
    assert (probabilities.argmax(1) == train.labels).mean() == 0.6


def test_presence_counts_once_and_leaves_out_special_tokens():
    ids = pa.chunked_array([[[2, 5, 6, 5, 3], [2, 1, 3]], [[2, 7, 1, 3]]], type=pa.list_(pa.int32()))
    assert kmer_presence(ids, 8).toarray().tolist() == [
        [0, 0, 0, 0, 0, 1, 1, 0],
        [0] * 8,
        [0, 0, 0, 0, 0, 0, 0, 1],
    ]


def test_logistic_separates_what_is_separable():
    labels = np.repeat([0, 1, 2], 10)
    noise = np.random.default_rng(0).integers(0, 2, (30, 20))
    data = sequences(labels, kmers=np.concatenate([np.eye(3)[labels], noise], axis=1))
    assert (linear(data, data, 3).predict(data).argmax(1) == labels).all()


def test_logistic_chooses_the_penalty_on_validation():
    generator = np.random.default_rng(0)
    # The features say nothing, so that the strongest penalty has the smallest validation loss.
    train, validation = (
        sequences(generator.integers(0, 2, 60), kmers=generator.integers(0, 2, (60, 40)).astype(float)) for _ in "ab"
    )
    assert linear(train, validation, 2).model.C == 0.01


def test_logistic_knows_classes_that_training_lacks():
    train = sequences([0, 0, 2, 2], kmers=np.array([[1.0, 0], [1, 0], [0, 1], [0, 1]]))
    probabilities = linear(train, train, 3).predict(train)
    assert (probabilities[:, 1] == 0).all()
    assert probabilities.argmax(1).tolist() == [0, 0, 2, 2]


def test_neighbour_of_itself():
    train = sequences([0, 1, 2], ["ACGT", "ACGA", "A--T"])
    assert called(NearestNeighbour(), train, train).tolist() == [0, 1, 2]


def test_unknown_positions_are_left_out():
    train = sequences([0, 1], ["ACGTACGT", "TTGTACGT"])
    # The first differs from both at one known place or none; N in training is left out as well.
    tested = sequences([0, 0], ["NCGTACGT", "TNNNACGT"])
    assert called(NearestNeighbour(), train, tested, 2).tolist() == [0, 1]
    train = sequences([0, 1], ["ACGTNNNN", "ACGAACGT"])
    # One of eight differs from the second, one of four from the first.
    assert called(NearestNeighbour(), train, sequences([0], ["ACGCACGT"]), 2).tolist() == [1]


def test_a_deletion_is_a_symbol():
    train = sequences([0, 1], ["ACGT", "A--T"])
    assert called(NearestNeighbour(), train, sequences([0], ["A-NT"]), 2).tolist() == [1]


def test_ties_go_to_the_majority_then_to_the_first_class():
    train = sequences([2, 1, 1, 0], ["AAAA", "CCAA", "CCAA", "TTTT"])
    assert called(NearestNeighbour(), train, sequences([0], ["ACAA"])).tolist() == [1]
    train = sequences([2, 1], ["AAAA", "CCAA"])
    baseline = NearestNeighbour().fit(train, 3)
    probabilities = baseline.predict(sequences([0], ["CAAA"]))
    assert probabilities.tolist() == [[0, 0.5, 0.5]]
    assert probabilities.argmax(1).tolist() == [1]


def test_nothing_known_in_common_is_called_by_all():
    train = sequences([0, 1, 1], ["AANN", "CCNN", "GGNN"])
    assert NearestNeighbour().fit(train, 2).predict(sequences([0], ["NNAA"])) == pytest.approx(
        np.array([[1 / 3, 2 / 3]])
    )


@pytest.mark.parametrize("at_once", [1000, 7])
def test_neighbours_against_a_plain_search(at_once, monkeypatch):
    for name in ("QUERIES", "NEIGHBOURS"):
        monkeypatch.setattr(f"spikegeometry.evaluation.neighbours.{name}", at_once)
    generator = np.random.default_rng(3)

    def spikes(n):
        text = np.where(generator.random((n, 40)) < 0.7, "A", generator.choice(list("ACGT-NR"), (n, 40)))
        return ["".join(row) for row in text]

    train = sequences(generator.integers(0, 3, 60), spikes(60))
    tested = sequences([0] * 25, spikes(25))
    expected = []
    for query in tested.projected:
        distances = []
        for spike in train.projected:
            known = [(a, b) for a, b in zip(query, spike, strict=True) if a in "ACGT-" and b in "ACGT-"]
            distances.append(sum(a != b for a, b in known) / len(known))
        nearest = train.labels[np.array(distances) == min(distances)]
        expected.append(np.bincount(nearest, minlength=3) / len(nearest))
    assert NearestNeighbour().fit(train, 3).predict(tested) == pytest.approx(np.array(expected))


@pytest.mark.parametrize("at_once", [1000, 7])
def test_the_nearest_against_a_plain_search(at_once, monkeypatch):
    for name in ("QUERIES", "NEIGHBOURS"):
        monkeypatch.setattr(f"spikegeometry.evaluation.neighbours.{name}", at_once)
    generator = np.random.default_rng(4)
    known, queries = (
        ["".join(row) for row in generator.choice(list("ACGT-NR"), (n, 30), p=[0.6, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05])]
        for n in (40, 25)
    )
    expected = []
    for query in queries:
        pairs = [[(a, b) for a, b in zip(query, one, strict=True) if a in "ACGT-" and b in "ACGT-"] for one in known]
        counts = [(sum(a != b for a, b in both), len(both)) for both in pairs]
        rate = max(np.median([differing / compared for differing, compared in counts]), 1 / 30)
        place = min(range(len(known)), key=lambda i: counts[i][0] + (30 - counts[i][1]) * rate)
        expected.append([place, *counts[place]])
    assert nearest(known, queries).to_numpy().tolist() == expected
    assert nearest(known, []).shape == (0, 3)
    # One difference of eight is nearer than none of four, where three of eight differ as a rule.
    others = ["GGATACAC", "GTATACAC", "TGATACAC"]
    assert nearest(["NNNNACAC", "ACGTACGC", *others], ["ACGTACAC"])["place"].tolist() == [1]
    # Of two without a difference that of which more is known.
    assert nearest(["NNGTACAC", "ACGTACAC", "ACGTACAC"], ["ACGTACAC"])["place"].tolist() == [1]
    assert nearest(["NNNNNNNN", "ACGTACGT"], ["ACGTACGA"]).to_numpy().tolist() == [[1, 1, 8]]


def test_a_set_without_sequences():
    train = sequences([0, 1, 1], ["AC", "AG", "AG"], np.eye(3))
    nothing = sequences(np.array([], dtype=int), kmers=np.zeros((0, 3)))
    for baseline in (Majority().fit(train, 2), linear(train, train, 2), NearestNeighbour().fit(train, 2)):
        assert baseline.predict(nothing).shape == (0, 2)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_logistic_comes_back_as_it_was(tmp_path, n_classes):
    generator = np.random.default_rng(1)
    data = sequences(np.arange(40) % n_classes, kmers=generator.integers(0, 2, (40, 12)).astype(float))
    fitted = KmerLogistic(np.arange(12) < 3).fit(data, data, n_classes)
    fitted.save(tmp_path / "linear.npz")
    again = KmerLogistic.load(tmp_path / "linear.npz")
    assert (again.predict(data) == fitted.predict(data)).all()
    assert (again.common == fitted.common).all()


def test_prediction_table():
    rows = sequences([0, 1, -1]).rows
    table = prediction_table(rows, np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]]), ["a", "b"])
    columns = ["accession", "class", "label", "predicted", "correct", "p_a", "p_b", "unknown"]
    assert table.columns.tolist() == columns
    assert table["predicted"].tolist() == ["a", "a", "b"]
    assert table["correct"].tolist() == [True, False, False]


def test_neighbours_are_searched_among_a_sample_of_distinct_spikes():
    """Three copies of each of four spikes: of two that are searched, each copy has a vote."""
    train = sequences([0, 0, 1, 1] * 3, ["AAAA", "AACC", "TTTT", "TTGG"] * 3)
    baseline = NearestNeighbour(most=1, seed=0).fit(train, 2)
    assert baseline.votes.tolist() == [[3, 0], [0, 3]]
    assert called(baseline, train, train, 2).tolist() == [0, 0, 1, 1] * 3


def write_split(path, rows):
    """An encoded split of two batches from its rows, in the order of the schema."""
    table = pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], SCHEMA)
    with pa.ipc.new_file(str(path), SCHEMA) as writer:
        writer.write_table(table, max_chunksize=max(1, len(rows) // 2))


def test_spikes_of_a_split_are_read_in_its_order(tmp_path):
    rows = [("x", "a", 0, "h1", 0, [2, 5, 3]), ("y", "b", 1, "h2", 1, [2, 1, 3])]
    write_split(tmp_path / "test.arrow", rows)
    read = read_rows(str(tmp_path / "test.arrow"))
    assert read["label"].tolist() == [0, 1]
    spikes = pd.DataFrame({"accession": ["x", "z", "y"], "projected": ["AC", "AG", "AT"]})
    spikes.to_parquet(tmp_path / "spikes.parquet")
    assert list(read_projected(str(tmp_path / "spikes.parquet"), read)) == ["AC", "AT"]
    spikes[::-1].to_parquet(tmp_path / "spikes.parquet")
    with pytest.raises(InputError, match="does not hold the genome 'y' in its place"):
        read_projected(str(tmp_path / "spikes.parquet"), read)


def test_common_kmers_are_read_the_other_way_round(tmp_path):
    ids = [[2, 5, 6, 3], [2, 5, 7, 3], [2, 5, 5, 6, 3], [2, 1, 6, 3]]
    write_split(tmp_path / "train.arrow", [(str(row), "a", 0, "", 0, of) for row, of in enumerate(ids)])
    common = common_kmers(str(tmp_path / "train.arrow"), 8)
    assert np.flatnonzero(common).tolist() == [5, 6]
    found = read_kmers(str(tmp_path / "train.arrow"), common)
    assert found.toarray()[:, 5:].tolist() == [[0, 0, 0], [0, 1, 1], [0, 0, 0], [1, 0, 0]]
    assert found.nnz == 3


def test_logistic_does_not_mind_which_way_round_kmers_are_read():
    generator = np.random.default_rng(5)
    labels = generator.integers(0, 3, 90)
    kmers = (generator.random((90, 30)) < 0.2 + 0.5 * np.eye(3).repeat(10, axis=1)[labels]).astype(float)
    turned = np.where(np.arange(30) % 2, kmers, 1 - kmers)
    one, other = (
        linear(data, data, 3).predict(data) for data in (sequences(labels, kmers=of) for of in (kmers, turned))
    )
    assert one == pytest.approx(other, abs=1e-2)
