"""Cleaning of one sequence, or the reason why it is of no use."""

import hashlib
from collections import Counter
from dataclasses import dataclass

TO_DNA = bytes(range(256)).upper().replace(b"U", b"T")
GAPS = b"- \t\r\n\v\f"
BASES = b"ACGT"
IUPAC = b"ACGTRYSWKMBDHVN"


@dataclass(frozen=True)
class Cleaned:
    """A sequence in upper-case IUPAC letters without gaps."""

    sequence: str
    n_fraction: float  # share of letters other than A, C, G, T
    digest: bytes  # SHA-256 of the sequence


@dataclass(frozen=True)
class Rejection:
    """Why a record is not accepted: a short name and a sentence."""

    reason: str
    detail: str


def clean(sequence: str, min_length: int, max_length: int, max_n_fraction: float) -> Cleaned | Rejection:
    """Remove gaps (`-`) and whitespace, write in upper case and T for U, then check alphabet, length and gaps.

    IUPAC codes stay. Lengths are in bases after cleaning, both limits included.
    """
    letters = sequence.encode("latin-1", "replace").translate(TO_DNA, GAPS)
    length = len(letters)
    if not length:
        return Rejection("empty", "The record holds no base.")
    foreign = Counter(letters.translate(None, IUPAC).decode("latin-1"))
    if foreign:
        shown = ", ".join(f"{letter!r} x {count}" for letter, count in foreign.most_common(5))
        return Rejection("bad_alphabet", f"Letters that are no IUPAC nucleotide code: {shown}.")
    if length < min_length:
        return Rejection("too_short", f"{length} bases; cleaning.min_length is {min_length}.")
    if length > max_length:
        return Rejection("too_long", f"{length} bases; cleaning.max_length is {max_length}.")
    n_fraction = len(letters.translate(None, BASES)) / length
    if n_fraction > max_n_fraction:
        detail = f"{n_fraction:.1%} of the bases are not A, C, G or T; cleaning.max_n_fraction is {max_n_fraction:g}."
        return Rejection("too_many_n", detail)
    return Cleaned(letters.decode("ascii"), n_fraction, hashlib.sha256(letters).digest())
