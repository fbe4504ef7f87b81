"""Where the k-mers of a sequence start, and which bases and residues a token covers.

Token 0 is [CLS]; tokens 1, 2, ... are the whole k-mers, `stride` symbols apart. What is left at the end and too
short for a k-mer is not tokenised, and nothing is padded: padding would invent symbols that no genome has.
Bases and residues are counted from the start of the gene, 1-based and both ends included. On native sequences with
indels they are places of that sequence, not of the reference.
"""

import numpy as np

from spikegeometry.sequences.codons import CODON


def kmer_count(length: int, k: int, stride: int) -> int:
    """Whole k-mers in a sequence of `length` symbols."""
    return max(0, (length - k) // stride + 1)


def kmer_starts(length: int, k: int, stride: int) -> np.ndarray:
    """0-based starts of the whole k-mers in a sequence of `length` symbols, int64 (kmer_count,)."""
    return stride * np.arange(kmer_count(length, k, stride))


def token_bases(token, k: int, stride: int):
    """First and last base of a k-mer token (an integer >= 1, or an array of them)."""
    first = stride * (token - 1) + 1
    return first, first + k - 1


def token_residues(token, k: int, stride: int):
    """First and last residue of which a k-mer token (an integer >= 1, or an array of them) covers a base."""
    first, last = token_bases(token, k, stride)
    return (first - 1) // CODON + 1, (last - 1) // CODON + 1


def covering_tokens(first: int, last: int, length: int, k: int, stride: int) -> range:
    """Tokens that cover one of the symbols `first`..`last` (1-based) of `length`; empty where none does."""
    return range(
        max(1, (first - 1 - k) // stride + 2), min(kmer_count(length, k, stride), (last - 1) // stride + 1) + 1
    )


def residue_tokens(residue: int, length: int, k: int, stride: int) -> range:
    """Tokens that cover a base of `residue` in a sequence of `length` symbols; empty where none does."""
    return covering_tokens(CODON * (residue - 1) + 1, CODON * residue, length, k, stride)
