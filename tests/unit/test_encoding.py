"""Token ids of sequences, and the files that hold them."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikegeometry.dataset.encoding import (
    SCHEMA,
    Encoder,
    count_slots,
    encode_split,
    number_rows,
    open_split,
    padded_ids,
    take_rows,
)
from spikegeometry.dataset.reading import BATCH
from spikegeometry.dataset.splits import haplotype_id
from spikegeometry.dataset.vocabulary import CLS, SEP, SPECIAL_TOKENS, UNK, count_kmers

VOCABULARY = [*SPECIAL_TOKENS, "A-C", "ACG", "GTA"]


def as_lists(ids, lengths):
    return [part.tolist() for part in np.split(ids, np.cumsum(lengths)[:-1])]


def encode_by_hand(sequence, vocabulary, k, stride):
    """One slice and one dictionary look-up a token."""
    ids = {token: i for i, token in enumerate(vocabulary)}
    kmers = [sequence[start : start + k] for start in range(0, len(sequence) - k + 1, stride)]
    return [CLS, *(ids.get(kmer, UNK) for kmer in kmers), SEP]


def test_by_hand():
    # A-CGTACG: A-C CGT TAC, the G is left over; ACGTACG: ACG GTA ACG; AC: no k-mer.
    ids, lengths, unknown = Encoder(VOCABULARY, 2).encode(["A-CGTACG", "ACGTACG", "AC"])
    assert as_lists(ids, lengths) == [[2, 5, 1, 1, 3], [2, 6, 7, 6, 3], [2, 3]]
    assert lengths.tolist() == [5, 5, 2]
    assert unknown.tolist() == [2, 0, 0]
    assert ids.dtype == np.int32


@given(
    st.lists(st.text(alphabet="ACGT-NRYK", max_size=60), min_size=2, max_size=10),
    st.integers(1, 40),
    st.integers(1, 12),
    st.sampled_from(["keep", "unknown"]),
)
def test_equals_a_loop(sequences, k, stride, ambiguous):
    training = [*sequences[: len(sequences) // 2], "ACGT" * k]  # what else the sequences hold is unknown
    vocabulary = [*SPECIAL_TOKENS, *sorted(count_kmers([training], k, stride, ambiguous)["kmer"])]
    ids, lengths, unknown = Encoder(vocabulary, stride).encode(sequences)
    expected = [encode_by_hand(sequence, vocabulary, k, stride) for sequence in sequences]
    assert as_lists(ids, lengths) == expected
    assert unknown.tolist() == [row.count(UNK) for row in expected]


@given(st.text(alphabet="ACGT-", min_size=9, max_size=60), st.integers(1, 9), st.data())
def test_round_trip(sequence, k, data):
    """Where k-mers meet or overlap, the ids give back the sequence up to the end of the last one."""
    stride = data.draw(st.integers(1, k))
    vocabulary = [*SPECIAL_TOKENS, *sorted(count_kmers([[sequence]], k, stride, "unknown")["kmer"])]
    ids, _, unknown = Encoder(vocabulary, stride).encode([sequence])
    kmers = [vocabulary[i] for i in ids[1:-1]]
    decoded = "".join(kmer[:stride] for kmer in kmers[:-1]) + kmers[-1]
    assert decoded == sequence[: len(decoded)] and len(sequence) - len(decoded) < stride
    assert unknown.tolist() == [0]


@pytest.fixture
def spikes(tmp_path):
    """More spikes than a batch holds, in both forms; every third has a deletion."""
    rng = np.random.default_rng(0)
    number = BATCH + 10
    projected = ["".join(rng.choice(list("ACGT"), 30)) for _ in range(number)]
    projected = [s[:9] + "---" + s[12:] if i % 3 == 0 else s for i, s in enumerate(projected)]
    table = pd.DataFrame(
        {
            "accession": [f"a {i}" for i in range(number)],
            "class": [("x", "y", "other")[i % 3] for i in range(number)],
            "native": [sequence.replace("-", "") for sequence in projected],
            "projected": projected,
        }
    )
    path = tmp_path / "spikes.parquet"
    table.to_parquet(path, index=False)
    return table, path


@pytest.mark.parametrize("coordinates", ["native", "projected"])
@pytest.mark.parametrize("every", [1, 4])
def test_file(spikes, tmp_path, coordinates, every):
    table, path = spikes
    vocabulary = [*SPECIAL_TOKENS, *sorted(count_kmers([table[coordinates].head(99)], 4, 3, "unknown")["kmer"])]
    expected = table.iloc[::every]
    members = None if every == 1 else expected["accession"]
    encode_split(path, members, coordinates, Encoder(vocabulary, 3), ["x", "y"], tmp_path / "x.arrow")
    split = open_split(tmp_path / "x.arrow")
    assert split.schema.equals(SCHEMA)
    columns = split.to_pydict()
    assert columns["accession"] == expected["accession"].tolist()
    assert columns["class"] == expected["class"].tolist()
    assert columns["label"] == [{"x": 0, "y": 1, "other": -1}[name] for name in expected["class"]]
    assert columns["haplotype"] == [haplotype_id(sequence) for sequence in expected[coordinates]]
    assert columns["input_ids"] == [encode_by_hand(s, vocabulary, 4, 3) for s in expected[coordinates]]
    assert columns["unknown"] == [row.count(UNK) for row in columns["input_ids"]]
    assert [path.name for path in tmp_path.glob("*partial*")] == []


def test_file_without_rows(spikes, tmp_path):
    encode_split(spikes[1], [], "native", Encoder(VOCABULARY, 2), ["x"], tmp_path / "x.arrow")
    assert open_split(tmp_path / "x.arrow").num_rows == 0


@pytest.fixture
def split():
    """Twenty rows in batches of three, none of them whole at the slice that is taken."""
    generator = np.random.default_rng(0)
    ids = [[CLS, *generator.integers(5, 7, generator.integers(0, 4)), SEP] for _ in range(22)]
    columns = {
        name: pa.array([""] * 22 if pa.types.is_string(SCHEMA.field(name).type) else [0] * 22)
        for name in SCHEMA.names[:-1]
    }
    table = pa.table(columns | {"input_ids": ids}, schema=SCHEMA)
    return pa.Table.from_batches(table.to_batches(max_chunksize=3), SCHEMA).slice(1, 20), ids[1:21]


def test_rows_are_numbered_by_their_tokens(split):
    table, ids = split
    numbers = number_rows(table)
    assert len(numbers) == 20 and len(set(numbers)) < 20
    assert all((numbers[i] == numbers[j]) == (ids[i] == ids[j]) for i in range(20) for j in range(20))
    assert number_rows(table.slice(0, 0)).tolist() == []


def test_chosen_rows_are_in_the_order_of_the_split(split):
    table, ids = split
    assert take_rows(table, np.array([17, 2, 3]))["input_ids"].to_pylist() == [ids[2], ids[3], ids[17]]
    assert padded_ids(take_rows(table, np.array([], dtype=int))).shape == (0, 0)


def test_tokens_are_counted_at_their_slots(split):
    table, ids = split
    padded = padded_ids(table)
    found = {
        (token, slot): count for token, slot, count in zip(*(of.tolist() for of in count_slots(table)), strict=True)
    }
    cells = [(token, slot) for row in ids for slot, token in enumerate(row)]
    assert found == {cell: cells.count(cell) for cell in set(cells)}
    assert list(found) == sorted(found)
    assert sum(found.values()) == (padded > 0).sum()
