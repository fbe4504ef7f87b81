"""Which bases of the reference lie under the symbols and the tokens of a sequence.

Symbols are ASCII codes, uint8 (length,). `places`, int64 (length,), give the 0-based base of the reference under each
symbol, and NOWHERE under inserted bases and `-`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

NOWHERE = -1
GAP = ord("-")


def ascii_codes(sequence: str) -> np.ndarray:
    """The symbols of a sequence."""
    return np.frombuffer(sequence.encode("ascii"), dtype=np.uint8)


def placed_sequences(
    native: str, projected: str, indels: Sequence[tuple[str, int, int, str]]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Symbols and places of a sequence in each form: native and projected.

    `indels`: kind, first and last base, and inserted bases (none for a deletion). A deletion takes the bases from the
    first to the last, both included; an insertion stands between them (1-based). Empty where the indels do not lead
    from one form to the other: a stretch inside the gene was left unaligned.
    """
    own, symbols = ascii_codes(native), ascii_codes(projected)
    kept = np.ones(len(symbols), dtype=bool)
    for _, first, last, inserted in indels:
        if not inserted:
            kept[first - 1 : last] = False
    places = np.flatnonzero(kept)
    before = np.searchsorted(places, [first for _, first, _, inserted in indels for _ in inserted])
    places = np.insert(places, before, NOWHERE)
    # A genome that begins or ends within the gene has no symbols of its own there.
    absent = len(places) - len(own)
    for start in range(absent + 1):
        covered = places[start : start + len(own)]
        if ((covered == NOWHERE) | (own == symbols[covered])).all():
            return {
                "native": (own, covered),
                "projected": (symbols, np.where(symbols == GAP, NOWHERE, np.arange(len(symbols)))),
            }
    return {}


def windows(symbols: np.ndarray, k: int, stride: int) -> np.ndarray:
    """The k-mers of a sequence of symbols, or the places under them: (tokens, k)."""
    if len(symbols) < k:
        return np.empty((0, k), dtype=symbols.dtype)
    return sliding_window_view(symbols, k)[::stride]


def token_bases(
    native: str, projected: str, indels: Sequence[tuple[str, int, int, str]], form: str, k: int, stride: int
) -> np.ndarray:
    """1-based bases of the gene (tokens, k) under the tokens of a sequence in its `form`, native or projected.

    Native tokens lie where the alignment puts them: an inserted base counts as the base in front of it, or as the first
    one where there is none in front; where `placed_sequences` finds no place, they lie in order from the first base on.
    """
    if form == "projected":
        return windows(np.arange(1, len(projected) + 1), k, stride)
    forms = placed_sequences(native, projected, indels)
    places = forms["native"][1] if forms else np.arange(len(native))
    filled = np.maximum.accumulate(places)
    return windows(np.where(filled == NOWHERE, places[places != NOWHERE][0], filled) + 1, k, stride)


def nearest_slots(bases: np.ndarray, stride: int) -> np.ndarray:
    """The reference's slot, int64 (tokens,) from 0, nearest to each token on 1-based `bases` (tokens, k)."""
    k = bases.shape[1]
    return np.rint((bases.mean(axis=1) - (k + 1) / 2) / stride).astype(np.int64)
