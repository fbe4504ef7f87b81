"""Ungapped blocks of an alignment: reading them from tiles, merging and chaining them.

All positions are 0-based, ends are not included.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pysam import AlignedSegment

from spikegeometry.spikes.tiles import parse_tile_name

# CIGAR operations as numbers (SAM specification, section 1.4.6).
CONSUMES_BOTH = {0, 7, 8}  # M = X
CONSUMES_QUERY = {1, 4, 5}  # I S H; hard-clipped bases are part of the tile, too
CONSUMES_REFERENCE = {2, 3}  # D N

# A change of diagonal must explain so many further bases; less arises by chance at the ends of alignments.
MIN_GAIN = 20


class Block(NamedTuple):
    """A run of query bases that stand on as many reference bases, without a gap."""

    query: int
    reference: int
    length: int

    @property
    def query_end(self) -> int:
        return self.query + self.length

    @property
    def reference_end(self) -> int:
        return self.reference + self.length

    @property
    def diagonal(self) -> int:
        return self.reference - self.query

    def from_reference(self, position: int) -> "Block":
        """The part at and right of a reference position within the block."""
        skipped = position - self.reference
        return Block(self.query + skipped, position, self.length - skipped)

    def to_reference(self, position: int) -> "Block":
        """The part left of a reference position within the block."""
        return Block(self.query, self.reference, position - self.reference)


def append_block(blocks: list[Block], block: Block) -> None:
    """Append a block, as part of the last one where it continues that without a gap."""
    if not block.length:
        return
    last = blocks[-1] if blocks else None
    if last and last.query_end == block.query and last.reference_end == block.reference:
        blocks[-1] = Block(last.query, last.reference, last.length + block.length)
    else:
        blocks.append(block)


def blocks_of_cigar(cigar: Iterable[tuple[int, int]], query: int, reference: int) -> Iterator[Block]:
    """Blocks of an alignment whose query, clipped bases included, begins at `query`."""
    for operation, length in cigar:
        if operation in CONSUMES_BOTH:
            yield Block(query, reference, length)
            query += length
            reference += length
        elif operation in CONSUMES_QUERY:
            query += length
        elif operation in CONSUMES_REFERENCE:
            reference += length


def blocks_of_strands(records: Iterable[AlignedSegment], genome_length: int) -> tuple[list[Block], list[Block]]:
    """Blocks of the aligned tiles of one genome, on the forward and on the reverse strand.

    Blocks of the reverse strand are in coordinates of the reverse-complemented genome.
    """
    strands: tuple[list[Block], list[Block]] = ([], [])
    for record in records:
        if record.is_secondary:
            continue
        _, start = parse_tile_name(record.query_name)
        cigar = record.cigartuples
        if record.is_reverse:
            tile_length = sum(length for operation, length in cigar if operation not in CONSUMES_REFERENCE)
            start = genome_length - start - tile_length
        strands[record.is_reverse].extend(blocks_of_cigar(cigar, start, record.reference_start))
    return strands


def merge_blocks(blocks: Iterable[Block]) -> list[Block]:
    """Union of blocks of overlapping tiles: those that overlap or touch on one diagonal become one."""
    merged: list[Block] = []
    for block in sorted(blocks, key=lambda block: (block.diagonal, block.query)):
        last = merged[-1] if merged else None
        if last and last.diagonal == block.diagonal and block.query <= last.query_end:
            end = max(last.query_end, block.query_end)
            merged[-1] = Block(last.query, last.reference, end - last.query)
        else:
            merged.append(block)
    return merged


def chain_blocks(blocks: Iterable[Block]) -> list[Block]:
    """The blocks, in order on both sequences, that together explain most query bases.

    Neighbours of a chain may overlap, as alignments run on behind an indel while bases agree by chance. Bases are
    counted once, and each further block must add more than `MIN_GAIN`.
    """
    ordered = sorted(blocks)
    scores: list[int] = []
    previous: list[int] = []
    for j, block in enumerate(ordered):
        score, before = block.length, -1
        for i in range(j):
            earlier = ordered[i]
            if earlier.query >= block.query or earlier.reference >= block.reference:
                continue
            overlap = max(0, earlier.query_end - block.query, earlier.reference_end - block.reference)
            gain = block.length - overlap - MIN_GAIN
            if gain > 0 and scores[i] + gain > score:
                score, before = scores[i] + gain, i
        scores.append(score)
        previous.append(before)
    chain = []
    at = max(range(len(ordered)), key=scores.__getitem__, default=-1)
    while at >= 0:
        chain.append(ordered[at])
        at = previous[at]
    return chain[::-1]
