"""K-mers as integers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikegeometry.dataset.packing import SYMBOLS, KmerIndex, count_distinct, pack_kmers, symbol_matrix, unpack_kmers

lengths = st.sampled_from([1, 3, 12, 15, 16, 17, 32, 33, 64])


@st.composite
def kmers(draw, symbols=SYMBOLS):
    """K-mers of one length, some of them equal but for the last symbol."""
    k = draw(lengths)
    drawn = draw(st.lists(st.text(alphabet=symbols, min_size=k, max_size=k), min_size=1, max_size=12))
    return drawn + [kmer[:-1] + draw(st.sampled_from(symbols)) for kmer in drawn]


def test_order_of_the_symbols_is_that_of_strings():
    assert list(SYMBOLS) == sorted(SYMBOLS) and len(set(SYMBOLS)) == 16


def test_by_hand():
    words, counts = pack_kmers(["ACGTACG"], 3, 2)
    a, c, g, t = (SYMBOLS.index(base) for base in "ACGT")
    assert counts.tolist() == [3]
    assert words.tolist() == [[[a << 8 | c << 4 | g, g << 8 | t << 4 | a, a << 8 | c << 4 | g]]]


def test_filling_after_the_end():
    assert symbol_matrix(["ACG", "", "T"]).tolist() == [[65, 67, 71], [0, 0, 0], [84, 0, 0]]
    words, counts = pack_kmers(["ACGTA", "ACG", "AC", ""], 3, 2)
    assert words.shape == (1, 4, 2) and counts.tolist() == [2, 1, 0, 0]
    assert pack_kmers(["AC", "A"], 3, 2)[0].shape == (1, 2, 0)


def test_unknown_symbol():
    with pytest.raises(ValueError, match="sequence 1 holds 'u'"):
        pack_kmers(["ACGT", "ACu"], 3, 2)


@given(kmers())
def test_round_trip_and_order(strings):
    k = len(strings[0])
    words = pack_kmers(strings, k, 1)[0][:, :, 0]
    assert unpack_kmers(words, k) == strings
    distinct, counts = count_distinct(words, np.ones(len(strings), dtype=np.int64))
    assert unpack_kmers(distinct, k) == sorted(set(strings))
    assert counts.tolist() == [strings.count(kmer) for kmer in sorted(set(strings))]


@given(kmers(symbols="-AY"), st.data())
def test_look_up_is_exact(strings, data):
    k = len(strings[0])
    members = sorted(data.draw(st.sets(st.sampled_from(strings), min_size=1)))
    index = KmerIndex(pack_kmers(members, k, 1)[0][:, :, 0])
    expected = [members.index(kmer) if kmer in members else -1 for kmer in strings]
    assert index.ranks(pack_kmers(strings, k, 1)[0])[:, 0].tolist() == expected


def test_look_up_of_absent_halves():
    """Words that are each known, but not together, are no k-mer of the set."""
    left, right = "A" * 16, "C" * 16
    members = sorted([left + right, right + left])
    index = KmerIndex(pack_kmers(members, 32, 1)[0][:, :, 0])
    queries = [left + right, right + left, left + left, right + right]
    assert index.ranks(pack_kmers(queries, 32, 1)[0])[:, 0].tolist() == [0, 1, -1, -1]


def test_empty():
    distinct, counts = count_distinct(np.empty((2, 0), dtype=np.uint64), np.empty(0, dtype=np.int64))
    assert distinct.shape == (2, 0) and counts.shape == (0,)
