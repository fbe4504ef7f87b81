"""The vocabulary: what it holds, in which order, and how often each k-mer occurs."""

from collections import Counter

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rule_run import run_rule
from spikegeometry.dataset.vocabulary import SPECIAL_TOKENS, count_kmers, read_vocabulary, write_vocabulary
from spikegeometry.errors import InputError


def rows(table):
    return list(table.itertuples(index=False, name=None))


def test_counts_by_hand():
    # ACGTACG: ACG GTA ACG; ACGNA: ACG GNA; A-CTT: A-C CTT.
    batches = [["ACGTACG", "ACGNA"], ["A-CTT"]]
    assert rows(count_kmers(batches, 3, 2, "keep")) == [
        ("ACG", 3, 1),
        ("A-C", 1, 2),
        ("CTT", 1, 3),
        ("GNA", 1, 4),
        ("GTA", 1, 5),
    ]
    assert rows(count_kmers(batches, 3, 2, "unknown")) == [
        ("ACG", 3, 1),
        ("A-C", 1, 2),
        ("CTT", 1, 3),
        ("GTA", 1, 4),
    ]


def test_rare_kmers_are_left_out():
    batches = [["ACGTACG", "ACGTA"], ["GTACG"]]
    assert rows(count_kmers(batches, 3, 2, "keep", min_count=3)) == [("ACG", 4, 1), ("GTA", 3, 2)]
    assert rows(count_kmers(batches, 3, 4, "keep", min_count=2)) == [("ACG", 3, 1)]
    with pytest.raises(InputError, match=r"dataset\.min_count"):
        count_kmers(batches, 3, 2, "keep", min_count=5)


sequences = st.lists(st.text(alphabet="ACGT-NR", max_size=30), min_size=1, max_size=8)


@given(sequences, st.integers(1, 20), st.integers(1, 7), st.integers(1, 4))
def test_counts_equal_those_of_a_loop(sequences, k, stride, size):
    expected = Counter(
        sequence[start : start + k] for sequence in sequences for start in range(0, len(sequence) - k + 1, stride)
    )
    batches = [sequences[start : start + size] for start in range(0, len(sequences), size)]
    if not expected:
        with pytest.raises(InputError, match=r"dataset\.k"):
            count_kmers(batches, k, stride, "keep")
        return
    table = count_kmers(batches, k, stride, "keep")
    assert dict(zip(table["kmer"], table["count"], strict=True)) == expected
    assert rows(table[["kmer"]]) == [(kmer,) for kmer in sorted(expected, key=lambda kmer: (-expected[kmer], kmer))]
    assert table["rank"].tolist() == list(range(1, len(expected) + 1))


def test_only_ambiguous_kmers():
    with pytest.raises(InputError, match=r"dataset\.k"):
        count_kmers([["NNNN"]], 3, 2, "unknown")


def test_file(tmp_path):
    path = tmp_path / "vocabulary.txt"
    write_vocabulary(["GTA", "A-C", "ACG"], path)
    assert path.read_text() == "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nA-C\nACG\nGTA\n"
    assert read_vocabulary(path) == [*SPECIAL_TOKENS, "A-C", "ACG", "GTA"]


@pytest.mark.parametrize(
    "tokens",
    [
        ["ACG", "GTA"],
        [*SPECIAL_TOKENS],
        [*SPECIAL_TOKENS, "GTA", "ACG"],
        [*SPECIAL_TOKENS, "ACG", "ACG"],
        [*SPECIAL_TOKENS, "ACG", "GT"],
    ],
)
def test_file_that_is_no_vocabulary(tmp_path, tokens):
    path = tmp_path / "vocabulary.txt"
    path.write_text("\n".join(tokens) + "\n")
    with pytest.raises(InputError, match="vocabulary.txt"):
        read_vocabulary(path)


def test_only_the_training_split_is_counted(tmp_path):
    sequences = {"train": "ACGACG", "validation": "TTTACG", "test": "GGGACG"}
    rows = pd.DataFrame({"accession": list(sequences), "class": "a", "native": list(sequences.values())})
    (tmp_path / "spikes").mkdir()
    (tmp_path / "dataset").mkdir()
    rows.to_parquet(tmp_path / "spikes/spikes.parquet", index=False)
    rows[["accession", "class"]].assign(split=rows["accession"]).to_parquet(tmp_path / "dataset/splits.parquet")
    dataset = {"coordinates": "native", "k": 3, "stride": 3, "ambiguous": "unknown", "min_count": 1}
    made = run_rule("build_vocabulary", tmp_path, {"run": "small", "dataset": dataset})
    assert read_vocabulary(made["vocabulary"]) == [*SPECIAL_TOKENS, "ACG"]
