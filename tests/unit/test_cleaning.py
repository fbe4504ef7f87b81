"""What cleaning keeps, changes and refuses."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikegeometry.genomes.cleaning import Cleaned, Rejection, clean

LIMITS = {"min_length": 4, "max_length": 10, "max_n_fraction": 0.5}


@pytest.mark.parametrize(
    ("given_", "cleaned", "n_fraction"),
    [
        ("ACGT", "ACGT", 0),
        ("acgu", "ACGT", 0),
        ("-A-C\n G\tU--\r\n", "ACGT", 0),
        ("ACGTRN", "ACGTRN", 2 / 6),
        ("ACGTNRYK", "ACGTNRYK", 0.5),
        ("ACGTACGTAC", "ACGTACGTAC", 0),
    ],
)
def test_cleaned(given_, cleaned, n_fraction):
    assert clean(given_, **LIMITS) == Cleaned(cleaned, n_fraction, hashlib.sha256(cleaned.encode()).digest())


@pytest.mark.parametrize(
    ("sequence", "reason", "words"),
    [
        ("", "empty", "no base"),
        ("--- \n", "empty", "no base"),
        ("ACGTJACGJ!", "bad_alphabet", "'J' x 2, '!' x 1"),
        ("ACGT\u00ff\u20ac", "bad_alphabet", "no IUPAC"),
        ("ACG-", "too_short", "3 bases; cleaning.min_length is 4"),
        ("ACGTACGTACG", "too_long", "11 bases; cleaning.max_length is 10"),
        ("NNNNNN", "too_many_n", "100.0% of the bases are not A, C, G or T; cleaning.max_n_fraction is 0.5"),
        ("ACNRY", "too_many_n", "60.0%"),
    ],
)
def test_rejected(sequence, reason, words):
    result = clean(sequence, **LIMITS)
    assert isinstance(result, Rejection)
    assert result.reason == reason
    assert words in result.detail


@given(st.text("ACGTUacgtunNRYSWKMBDHVryswkmbdhv- \n"))
def test_cleaning_twice_is_cleaning_once(sequence):
    limits = {"min_length": 1, "max_length": 10**6, "max_n_fraction": 1}
    once = clean(sequence, **limits)
    if isinstance(once, Cleaned):
        assert clean(once.sequence, **limits) == once
        assert set(once.sequence) <= set("ACGTRYSWKMBDHVN")
    else:
        assert not sequence.strip("- \n")
