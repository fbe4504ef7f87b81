"""Global alignment in one form only."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikegeometry.spikes.blocks import Block
from spikegeometry.spikes.presets import DEFAULT
from spikegeometry.spikes.realignment import align_globally

BASES = st.text("ACGT", max_size=12).map(str.encode)


def gaps(query, reference):
    """Deleted (start, end) and inserted (position, bases), 0-based, of the alignment."""
    blocks, _ = align_globally(query, reference)
    ends = [Block(0, 0, 0), *blocks, Block(len(query), len(reference), 0)]
    return [
        (a.reference_end, b.reference) if a.query_end == b.query else (a.reference_end, query[a.query_end : b.query])
        for a, b in pairwise(ends)
        if a.query_end < b.query or a.reference_end < b.reference
    ]


def score(query, reference, blocks):
    total = sum(
        1 if q == r else -4
        for block in blocks
        for q, r in zip(
            query[block.query : block.query_end], reference[block.reference : block.reference_end], strict=True
        )
    )
    ends = [Block(0, 0, 0), *blocks, Block(len(query), len(reference), 0)]
    for a, b in pairwise(ends):
        lengths = (b.query - a.query_end, b.reference - a.reference_end)
        total -= sum(6 + length for length in lengths if length)
    return total


def best_score(query, reference):
    """Best score by plain recursion over single columns; an insertion never touches a deletion."""
    lowest = float("-inf")
    match, insertion, deletion = ({(0, 0): 0}, {}, {})
    for i in range(len(query) + 1):
        for j in range(len(reference) + 1):
            if i and j:
                before = max(states.get((i - 1, j - 1), lowest) for states in (match, insertion, deletion))
                match[i, j] = before + (1 if query[i - 1] == reference[j - 1] else -4)
            insertion[i, j] = max(match.get((i - 1, j), lowest) - 7, insertion.get((i - 1, j), lowest) - 1)
            deletion[i, j] = max(match.get((i, j - 1), lowest) - 7, deletion.get((i, j - 1), lowest) - 1)
    return max(states.get((len(query), len(reference)), lowest) for states in (match, insertion, deletion))


def test_gaps_are_leftmost():
    assert gaps(b"GATTTCCA", b"GATTTTTCCA") == [(2, 4)]
    assert gaps(b"GACACACACTT", b"GACACACTT") == [(1, b"AC")]


def test_equal_sequences_have_no_gap():
    assert align_globally(b"ACGT", b"ACGT") == ((Block(0, 0, 4),), 4)


def test_a_deletion_and_an_insertion_close_by():
    # Bases 613 to 660 of the spike; omicron BA.1 lacks 632-634 (N211del) and has nine bases behind 642 (ins214EPE).
    reference = b"TCTAAGCACACGCCTATTAATTTAGTGCGTGATCTCCCTCAGGGTTTT"
    query = b"TCTAAGCACACGCCTATTATAGTGCGTGAGCCAGAAGATCTCCCTCAGGGTTTT"
    assert gaps(query, reference) == [(19, 22), (30, b"GAGCCAGAA")]


def test_unknown_bases_count_neither_for_nor_against():
    assert align_globally(b"ACGTNNRNACGT", b"ACGTACGTACGT") == ((Block(0, 0, 12),), 8)


@pytest.mark.parametrize(("query", "reference", "score"), [(b"", b"ACG", -9), (b"ACG", b"", -9), (b"", b"", 0)])
def test_nothing_against_something_is_one_gap(query, reference, score):
    assert align_globally(query, reference) == ((), score)
    assert DEFAULT.gap_cost(max(len(query), len(reference))) == -score


@settings(max_examples=200, deadline=None)
@given(BASES, BASES)
def test_no_alignment_scores_better(query, reference):
    blocks, best = align_globally(query, reference)
    assert score(query, reference, blocks) == best == best_score(query, reference)
