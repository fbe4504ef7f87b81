"""Global alignment of two short sequences, in one form only.

An aligner places an insertion or deletion by what it sees of the query, so that the same haplotype may be written in
several ways. Here every stretch with an indel is aligned again from end to end, and of equally good alignments the one
with the leftmost gaps is taken: the result depends on the two sequences alone.
"""

from functools import lru_cache

import numpy as np

from spikegeometry.spikes.blocks import Block, append_block
from spikegeometry.spikes.presets import DEFAULT, Preset

BASES = b"ACGT"
UNREACHABLE = -(10**6)

_MATCH, _INSERTION, _DELETION = 0, 1, 2
_STATE = 3  # mask of the best state of a cell
_INSERTION_GOES_ON, _DELETION_GOES_ON = 4, 8
_BORDER = np.array([UNREACHABLE], np.int32)
_CODES = np.frombuffer(BASES, np.uint8)


@lru_cache(maxsize=1024)
def align_globally(query: bytes, reference: bytes, preset: Preset = DEFAULT) -> tuple[tuple[Block, ...], int]:
    """Align `query` to `reference` from end to end with affine gaps (Gotoh, J Mol Biol 162:705, 1982).

    Returns the ungapped blocks (0-based, relative to the two sequences) and the score. Gaps stand as far left as the
    score allows; an insertion never touches a deletion.
    """
    choices, score = _fill(query, reference, preset)
    return tuple(_trace_back(choices)), score


def _substitution_scores(symbol: int, reference: np.ndarray, preset: Preset) -> np.ndarray:
    if symbol not in BASES:
        return np.zeros(len(reference), np.int32)
    scores = np.where(reference == symbol, preset.match, preset.mismatch)
    return np.where(np.isin(reference, _CODES), scores, 0).astype(np.int32)


def _fill(query: bytes, reference: bytes, preset: Preset) -> tuple[np.ndarray, int]:
    """The choices of every cell, (len(query) + 1, len(reference) + 1) uint8, and the score; rows are vectors."""
    codes = np.frombuffer(reference, np.uint8)
    scores = {symbol: _substitution_scores(symbol, codes, preset) for symbol in set(query)}
    choices = np.empty((len(query) + 1, len(reference) + 1), np.uint8)

    match = np.full(len(reference) + 1, UNREACHABLE, np.int32)
    match[0] = 0
    insertion = np.full_like(match, UNREACHABLE)
    deletion, deletion_goes_on = _deletions(match, preset)
    choices[0] = _choices(match, insertion, deletion, np.zeros_like(deletion_goes_on), deletion_goes_on)
    for row, symbol in enumerate(query, start=1):
        opened, extended = match - (preset.gap_open + preset.gap_extend), insertion - preset.gap_extend
        best = np.maximum(np.maximum(match, insertion), deletion)
        match = np.concatenate((_BORDER, best[:-1] + scores[symbol]))
        insertion = np.maximum(opened, extended)
        deletion, deletion_goes_on = _deletions(match, preset)
        choices[row] = _choices(match, insertion, deletion, extended >= opened, deletion_goes_on)
    return choices, int(max(match[-1], insertion[-1], deletion[-1]))


def _deletions(match: np.ndarray, preset: Preset) -> tuple[np.ndarray, np.ndarray]:
    """Scores of the deletions that end in each column, each opened behind the best match left of it; which go on."""
    extension = preset.gap_extend * np.arange(len(match), dtype=np.int32)
    reached = np.maximum.accumulate(match + extension)
    deletion = np.concatenate((_BORDER, reached[:-1] - preset.gap_open - extension[1:]))
    return deletion, np.concatenate(([False], deletion[:-1] >= match[:-1] - preset.gap_open))


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
