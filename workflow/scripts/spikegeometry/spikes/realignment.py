"""Global alignment of two short sequences, in one form only.

An aligner places an insertion or deletion by what it sees of the query, so that the same haplotype may be written in
several ways. Here every stretch with an indel is aligned again from end to end, and of equally good alignments the one
with the leftmost gaps is taken: the result depends on the two sequences alone.
"""

from functools import lru_cache

import numpy as np

from spikegeometry.spikes.blocks import Block, append_block

# The scores of bwa mem, except that an ambiguous symbol speaks neither for nor against a place.
MATCH = 1
MISMATCH = -4
GAP_OPEN = 6
GAP_EXTEND = 1
BASES = b"ACGT"
UNREACHABLE = -(10**6)

_MATCH, _INSERTION, _DELETION = 0, 1, 2
_STATE = 3  # mask of the best state of a cell
_INSERTION_GOES_ON, _DELETION_GOES_ON = 4, 8
_BORDER = np.array([UNREACHABLE], np.int32)
_CODES = np.frombuffer(BASES, np.uint8)


def gap_cost(length: int) -> int:
    """What a gap takes from the score of an alignment."""
    return GAP_OPEN + GAP_EXTEND * length if length else 0


@lru_cache(maxsize=1024)
def align_globally(query: bytes, reference: bytes) -> tuple[tuple[Block, ...], int]:
    """Align `query` to `reference` from end to end with affine gaps (Gotoh, J Mol Biol 162:705, 1982).

    Returns the ungapped blocks (0-based, relative to the two sequences) and the score. Gaps stand as far left as the
    score allows; an insertion never touches a deletion.
    """
    choices, score = _fill(query, reference)
    return tuple(_trace_back(choices)), score


def _substitution_scores(symbol: int, reference: np.ndarray) -> np.ndarray:
    if symbol not in BASES:
        return np.zeros(len(reference), np.int32)
    scores = np.where(reference == symbol, MATCH, MISMATCH)
    return np.where(np.isin(reference, _CODES), scores, 0).astype(np.int32)


def _fill(query: bytes, reference: bytes) -> tuple[np.ndarray, int]:
    """The choices of every cell, (len(query) + 1, len(reference) + 1) uint8, and the score; rows are vectors."""
    codes = np.frombuffer(reference, np.uint8)
    scores = {symbol: _substitution_scores(symbol, codes) for symbol in set(query)}
    choices = np.empty((len(query) + 1, len(reference) + 1), np.uint8)

    match = np.full(len(reference) + 1, UNREACHABLE, np.int32)
    match[0] = 0
    insertion = np.full_like(match, UNREACHABLE)
    deletion, deletion_goes_on = _deletions(match)
    choices[0] = _choices(match, insertion, deletion, np.zeros_like(deletion_goes_on), deletion_goes_on)
    for row, symbol in enumerate(query, start=1):
        opened, extended = match - (GAP_OPEN + GAP_EXTEND), insertion - GAP_EXTEND
        best = np.maximum(np.maximum(match, insertion), deletion)
        match = np.concatenate((_BORDER, best[:-1] + scores[symbol]))
        insertion = np.maximum(opened, extended)
        deletion, deletion_goes_on = _deletions(match)
        choices[row] = _choices(match, insertion, deletion, extended >= opened, deletion_goes_on)
    return choices, int(max(match[-1], insertion[-1], deletion[-1]))


def _deletions(match: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores of the deletions that end in each column, each opened behind the best match left of it; which go on."""
    extension = GAP_EXTEND * np.arange(len(match), dtype=np.int32)
    reached = np.maximum.accumulate(match + extension)
    deletion = np.concatenate((_BORDER, reached[:-1] - GAP_OPEN - extension[1:]))
    return deletion, np.concatenate(([False], deletion[:-1] >= match[:-1] - GAP_OPEN))


def _choices(match, insertion, deletion, insertion_goes_on, deletion_goes_on) -> np.ndarray:
    """Best state of each cell and whether its gaps go on, as flags; a match is preferred, so that gaps move left."""
    best = np.where(insertion > deletion, _INSERTION, _DELETION)
    best[match >= np.maximum(insertion, deletion)] = _MATCH
    return best | insertion_goes_on * _INSERTION_GOES_ON | deletion_goes_on * _DELETION_GOES_ON


def _trace_back(choices: np.ndarray) -> list[Block]:
    row, column = (size - 1 for size in choices.shape)
    state = choices[row, column] & _STATE
    columns = []
    while row or column:
        choice = choices[row, column]
        if state == _MATCH:
            row, column = row - 1, column - 1
            columns.append((row, column))
            state = choices[row, column] & _STATE
        elif state == _INSERTION:
            row -= 1
            state = _INSERTION if choice & _INSERTION_GOES_ON else _MATCH
        else:
            column -= 1
            state = _DELETION if choice & _DELETION_GOES_ON else _MATCH
    blocks: list[Block] = []
    for row, column in reversed(columns):
        append_block(blocks, Block(row, column, 1))
    return blocks
