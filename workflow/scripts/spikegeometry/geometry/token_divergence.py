"""How the tokens of a gene sequence differ from the reference's in the same slots, and what makes them differ.

A slot is the place of a k-mer in the order of tokens. Native sequences are cut from their own first base on, so each
insertion or deletion shifts all later k-mers against the reference: their tokens differ though nothing there mutated.
Projected sequences hold one symbol for each base of the reference, `-` where it is deleted, and cannot shift.

Symbols of sequences, the reference's too, and the places under them are as in `placement`.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from spikegeometry.geometry.placement import GAP, NOWHERE, windows

KNOWN = np.frombuffer(b"-ACGT", dtype=np.uint8)

KINDS = ("same", "unknown", "substituted", "indel", "shifted")
SAME, UNKNOWN, SUBSTITUTED, INDEL, SHIFTED = range(len(KINDS))
DIFFERING = (SUBSTITUTED, INDEL, SHIFTED)
AS_IS, INDELS_ONLY, SUBSTITUTIONS_ONLY = "as_is", "indels_only", "substitutions_only"
COUNTS = ("tokens", "differing", *KINDS, "shift_only", "moved", "missing")


def versions(forms: dict[str, tuple[np.ndarray, np.ndarray]], reference: np.ndarray) -> Iterator[dict[str, str]]:
    """Each form of a sequence from `placed_sequences`, as it is and with half of what sets it apart taken out.

    Yields coordinates, version and text. `indels_only`: every symbol that stands on a base of the reference becomes
    that base. `substitutions_only`: what is deleted is filled from the reference and what is inserted is left out, so
    that both forms are the same.
    """
    projected, _ = forms["projected"]
    for form, (symbols, places) in forms.items():
        for version, changed in (
            (AS_IS, symbols),
            (INDELS_ONLY, np.where(places == NOWHERE, symbols, reference[places])),
            (SUBSTITUTIONS_ONLY, np.where(projected == GAP, reference, projected)),
        ):
            yield {"coordinates": form, "version": version, "text": changed.tobytes().decode("ascii")}


def token_kinds(symbols: np.ndarray, places: np.ndarray, reference: np.ndarray, k: int, stride: int) -> np.ndarray:
    """Kind of each token of a sequence, an index into KINDS, uint8 (tokens,). The first that holds of:

    unknown      has a symbol that is not A, C, G, T or `-`, so that nothing can be said
    same         equals the reference's token of the slot
    indel        lies on a deletion or an insertion, or across one
    substituted  lies on the slot's own bases of the reference
    shifted      lies on other bases, because of an indel in front of it
    """
    tokens, slots = windows(symbols, k, stride), windows(reference, k, stride)
    expected = np.zeros_like(tokens)  # no token past the reference's last is the same
    shared = min(len(tokens), len(slots))
    expected[:shared] = slots[:shared]
    under, whole = _under(places, k, stride)
    return np.select(
        [
            ~np.isin(tokens, KNOWN).all(axis=1),
            (tokens == expected).all(axis=1),
            ~whole,
            under[:, 0] == stride * np.arange(len(tokens)),
        ],
        [UNKNOWN, SAME, INDEL, SUBSTITUTED],
        SHIFTED,
    ).astype(np.uint8)


def token_counts(
    kinds: np.ndarray, symbols: np.ndarray, places: np.ndarray, reference: np.ndarray, k: int, stride: int
) -> dict[str, int]:
    """Tokens of each of COUNTS, given their `token_kinds`.

    `differing` are those substituted, on an indel, or shifted. Of the shifted, `shift_only` equal the bases of the
    reference that they lie on, so that nothing but the shift makes them differ; of these, `moved` are a token of the
    reference from another slot, which they are where the shift is a multiple of the stride. `missing` slots of the
    reference lie past the last token.
    """
    tokens, slots = windows(symbols, k, stride), windows(reference, k, stride)
    under, _ = _under(places, k, stride)
    shift_only = (kinds == SHIFTED) & (tokens == reference[under]).all(axis=1)
    number = np.bincount(kinds, minlength=len(KINDS))
    return {
        "tokens": len(tokens),
        "differing": int(number[list(DIFFERING)].sum()),
        **dict(zip(KINDS, number.tolist(), strict=True)),
        "shift_only": int(shift_only.sum()),
        "moved": int((shift_only & (under[:, 0] % stride == 0) & (under[:, 0] < stride * len(slots))).sum()),
        "missing": max(0, len(slots) - len(tokens)),
    }


def differing_shares(
    kinds: Sequence[np.ndarray], reference: np.ndarray, k: int, stride: int
) -> dict[str, np.ndarray | str]:
    """Share of sequences whose token differs in each slot of the reference, as columns of a table.

    `kinds`: `token_kinds` of each sequence. The share is among the `n` sequences with a known token there, and NaN
    where there is none.
    """
    slots = len(windows(reference, k, stride))
    table = np.full((len(kinds), slots), UNKNOWN)
    for row, several in zip(table, kinds, strict=True):
        row[: len(several)] = several[:slots]
    n = (table != UNKNOWN).sum(axis=0)
    differing = np.isin(table, DIFFERING).sum(axis=0)
    return {
        "version": AS_IS,
        "token": np.arange(1, slots + 1),
        "statistic": "differing",
        "value": np.divide(differing, n, out=np.full(slots, np.nan), where=n > 0),
        "n": n,
    }


def _under(places: np.ndarray, k: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Places under each token (tokens, k), and whether they are neighbours on the reference (tokens,)."""
    under = windows(places, k, stride)
    return under, (under[:, 0] != NOWHERE) & (np.diff(under, axis=1) == 1).all(axis=1)
