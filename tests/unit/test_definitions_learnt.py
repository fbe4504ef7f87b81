"""Mutations that define classes, learnt from a training split written by hand."""

import pandas as pd
import pytest

from spikegeometry.dataset.definitions import learn_definitions, symbol_shares
from spikegeometry.genomes.definitions import defining_mutations

REFERENCE = "ACGTACGTAC"
# Class, split and sequence. Of class a, three of four have T at 2 and lack 5 and 6; N says nothing.
ROWS = [
    ("a", "train", "ATGT--GTAC"),
    ("a", "train", "ATGT--GTAC"),
    ("a", "train", "ATGTNNGTAC"),
    ("a", "train", "ACGTACGTAC"),
    ("a", "test", "GGGGGGGGGG"),
    ("b", "train", "ACGTACGTTG"),
    ("b", "train", "ACGTACGTTC"),
    ("c", "train", "ACGTACGTTC"),
    ("c", "train", "GCGTACGTAC"),
]


@pytest.fixture
def shares(tmp_path):
    rows = pd.DataFrame(ROWS, columns=["class", "split", "projected"])
    rows = rows.assign(accession=[str(number) for number in range(len(rows))])
    rows[["accession", "class", "projected"]].to_parquet(tmp_path / "spikes.parquet", index=False)
    rows[["accession", "class", "split"]].to_parquet(tmp_path / "splits.parquet", index=False)
    return symbol_shares(tmp_path / "spikes.parquet", tmp_path / "splits.parquet", ["a", "b", "c"], len(REFERENCE))


def test_shares_are_of_known_symbols_of_the_training_split(shares):
    assert shares[0, 1].tolist() == [0, 0.25, 0, 0.75, 0]
    assert shares[0, 4].tolist() == pytest.approx([1 / 3, 0, 0, 0, 2 / 3])
    assert shares[0, 0].tolist() == [1, 0, 0, 0, 0], "the test split has G there"


def test_definitions(shares):
    found = learn_definitions(shares, REFERENCE, 101, ["a", "b", "c"], 0.5).set_index("class")["mutations"]
    # A109T is in half of c, so that it defines neither b nor c.
    assert found.to_dict() == {"a": "C102T del:105:2", "b": "C110G", "c": "A101G"}


def test_a_larger_share(shares):
    found = learn_definitions(shares, REFERENCE, 101, ["a", "b", "c"], 0.7).set_index("class")["mutations"]
    assert found.to_dict() == {"a": "C102T", "b": "", "c": ""}


def test_they_are_a_table_of_founders(shares, tmp_path):
    learn_definitions(shares, REFERENCE, 101, ["a", "b", "c"], 0.5).to_csv(tmp_path / "d.tsv", sep="\t", index=False)
    found = defining_mutations(tmp_path / "d.tsv", ["a", "b", "c"], 0.5)
    assert found[["class", "first", "last"]].to_numpy().tolist() == [
        ["a", 102, 102],
        ["a", 105, 106],
        ["b", 110, 110],
        ["c", 101, 101],
    ]
