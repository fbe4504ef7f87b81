"""K-mers of a sequence, and the bases and residues that a token covers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikegeometry.dataset.kmers import kmer_count, kmer_starts, residue_tokens, token_bases, token_residues


@pytest.mark.parametrize(
    ("length", "k", "stride", "expected"),
    [(3822, 12, 9, 424), (12, 12, 9, 1), (11, 12, 9, 0), (0, 12, 9, 0), (20, 12, 9, 1), (21, 12, 9, 2), (7, 3, 2, 3)],
)
def test_count(length, k, stride, expected):
    assert kmer_count(length, k, stride) == expected


def test_starts_by_hand():
    # ACGTACG: ACG at 0, GTA at 2, ACG at 4.
    assert kmer_starts(7, 3, 2).tolist() == [0, 2, 4]
    assert kmer_starts(2, 3, 2).tolist() == []


@pytest.mark.parametrize(("token", "residues"), [(1, (1, 4)), (71, (211, 214)), (424, (1270, 1273))])
def test_residues_of_the_paper(token, residues):
    assert token_residues(token, 12, 9) == residues


def test_bases():
    assert token_bases(1, 12, 9) == (1, 12)
    assert token_bases(424, 12, 9) == (3808, 3819)  # the stop codon, 3820-3822, is in no token
    first, last = token_bases(np.array([1, 2]), 3, 2)
    assert first.tolist() == [1, 3] and last.tolist() == [3, 5]


def test_tokens_of_a_residue():
    # With a stride of three codons, neighbouring tokens share one residue.
    assert list(residue_tokens(1, 3822, 12, 9)) == [1]
    assert list(residue_tokens(4, 3822, 12, 9)) == [1, 2]
    assert list(residue_tokens(5, 3822, 12, 9)) == [2]
    assert list(residue_tokens(1274, 3822, 12, 9)) == []
    # Strides longer than k leave bases out: bases 4-6 lie between 1-3 and 7-9.
    assert list(residue_tokens(2, 12, 3, 6)) == []


@given(st.integers(0, 60), st.integers(1, 9), st.integers(1, 9))
def test_counts_and_maps_agree_with_enumeration(length, k, stride):
    windows = [range(start, start + k) for start in range(0, length, stride) if start + k <= length]
    assert kmer_starts(length, k, stride).tolist() == [window.start for window in windows]
    assert kmer_count(length, k, stride) == len(windows)
    for residue in range(1, length // 3 + 2):
        bases = set(range(3 * residue - 3, 3 * residue))
        covering = [token for token, window in enumerate(windows, start=1) if bases & set(window)]
        assert list(residue_tokens(residue, length, k, stride)) == covering
        for token in covering:
            first, last = token_residues(token, k, stride)
            assert first <= residue <= last
