"""Projection of one genome on the gene of the reference.

The tiles of a genome give ungapped blocks. Merged by diagonal and chained, they say which part of the genome belongs
to which part of the gene; between neighbours of the chain, where the indels are, genome and reference are aligned again
in one form only (`realignment`). The result depends neither on where tiles begin nor on the strand of the genome.

Only the genome's own symbols are ever written. Positions are 0-based, ends are not included, unless said otherwise.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from spikegeometry.sequences.codons import CODON
from spikegeometry.spikes.blocks import Block, append_block, chain_blocks, merge_blocks
from spikegeometry.spikes.presets import DEFAULT, Preset
from spikegeometry.spikes.realignment import align_globally

DELETED = b"-"
UNCOVERED = b"N"
KNOWN = b"ACGT-"
COMPLEMENT = bytes.maketrans(b"ACGTRYSWKMBDHVN", b"TGCAYRSWMKVHDBN")

# A realigned stretch reaches so far into the blocks at its sides, and then to the next multiple of GRID, so that
# genomes with the same indel ask for the same alignment, which is computed once.
FLANK = 16
GRID = 32


@dataclass(frozen=True)
class Limits:
    """What a genome may differ in from the reference's order.

    max_indel: bases; a longer jump on the reference is no deletion but an amplicon that was lost without an N being
    written, and a longer surplus of the genome no insertion. max_conflict: largest share of the gene that may be
    aligned on the other strand or out of order.
    """

    max_indel: int = 100
    max_conflict: float = 0.1


@dataclass(frozen=True)
class Gene:
    """The gene at `start`..`end` of the reference genome."""

    genome: bytes
    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


@dataclass(frozen=True)
class Spike:
    """The gene of a genome in two forms."""

    native: str  # the genome's own symbols from the first to the last that stands on the gene
    projected: str  # one symbol for each base of the gene: `-` where deleted, N where nothing is known
    insertions: str  # `position:bases`, joined by `;`; position 1-based in the gene, the base they follow
    deletions: str  # `first-last`, joined by `;`; 1-based in the gene, both included
    n_fraction: float  # share of projected symbols other than A, C, G, T and `-`
    covered_fraction: float  # share of the gene on which a symbol of the genome, N included, or a deletion stands


@dataclass(frozen=True)
class Rejection:
    """Why a genome gives no spike: a short name and a sentence."""

    reason: str
    detail: str


def reverse_complement(sequence: bytes) -> bytes:
    """The other strand of a sequence in upper-case IUPAC letters."""
    return sequence.translate(COMPLEMENT)[::-1]


def project_genome(
    genome: bytes,
    strands: tuple[list[Block], list[Block]],
    gene: Gene,
    min_covered_fraction: float,
    max_n_fraction: float,
    limits: Limits = Limits(),
    preset: Preset = DEFAULT,
) -> Spike | Rejection:
    """Project a genome on the gene by the blocks of its tiles on both strands (`blocks.blocks_of_strands`).

    The strand with most aligned bases is the genome's; the result is that of the forward strand.
    """
    forward, reverse = (merge_blocks(blocks) for blocks in strands)
    if _aligned_bases(reverse) > _aligned_bases(forward):
        genome = reverse_complement(genome)
        forward, reverse = reverse, forward
    chain = chain_blocks(forward)
    conflict = sum(_length_on(gene, block) for block in [*reverse, *(set(forward) - set(chain))])
    if conflict > limits.max_conflict * gene.length:
        return Rejection("conflicting", f"{conflict} bases of the gene align on the other strand or out of order.")
    surplus = _longest_insertion(chain, gene)
    if surplus > limits.max_indel:
        return Rejection("conflicting", f"{surplus} bases within the gene have no place on the reference.")

    path = _resolve(chain, genome, gene.genome, limits.max_indel, preset)
    if not any(_length_on(gene, block) for stretch in path for block in stretch):
        return Rejection("no_gene", "Tiles align beside the gene, but none to it.")
    for stretch in path:
        _put_in_frame(stretch, genome, gene)
    _extend_over_unknown(path, genome, gene)
    spike = _write(path, genome, gene)
    if spike.covered_fraction < min_covered_fraction:
        return Rejection(
            "low_coverage",
            f"{spike.covered_fraction:.3f} of the gene is covered; "
            f"spikes.min_covered_fraction is {min_covered_fraction}.",
        )
    if spike.n_fraction > max_n_fraction:
        return Rejection(
            "too_many_n",
            f"{spike.n_fraction:.3f} of the gene is unknown or ambiguous; spikes.max_n_fraction is {max_n_fraction}.",
        )
    return spike


def _aligned_bases(blocks: Iterable[Block]) -> int:
    return sum(block.length for block in blocks)


def _length_on(gene: Gene, block: Block) -> int:
    return max(0, min(block.reference_end, gene.end) - max(block.reference, gene.start))


def _longest_insertion(chain: list[Block], gene: Gene) -> int:
    """Largest surplus of genome over reference where two neighbours of a chain meet within the gene."""
    longest = 0
    for left, right in pairwise(chain):
        meeting = sorted((left.reference_end, right.reference))
        if meeting[0] < gene.end and meeting[1] > gene.start:
            longest = max(longest, left.diagonal - right.diagonal)
    return longest


def _resolve(chain: list[Block], genome: bytes, reference: bytes, max_indel: int, preset: Preset) -> list[list[Block]]:
    """Make a chain into stretches of blocks that neither overlap nor leave a gap open.

    Within a stretch, neighbours differ by a deletion or an insertion; between stretches nothing is known.
    """
    path = [chain[:1]]
    for last, block in pairwise(chain):
        stretch = path[-1]
        between = genome[last.query_end : block.query]
        bridged = preset.bridges and len(between) <= max_indel
        if last.diagonal == block.diagonal and (bridged or not between.strip(b"N")):
            append_block(stretch, Block(last.query_end, last.reference_end, block.query - last.query_end))
            append_block(stretch, block)
        elif block.diagonal - last.diagonal > max_indel or not _join(stretch, last, block, genome, reference, preset):
            overlap = max(0, stretch[-1].query_end - block.query, stretch[-1].reference_end - block.reference)
            path.append([block.from_reference(block.reference + overlap)])
    return path


def _join(stretch: list[Block], last: Block, block: Block, genome: bytes, reference: bytes, preset: Preset) -> bool:
    """Continue a stretch, whose end is the end of `last`, by `block`, and realign around the place where they meet.

    Leaves the stretch as it is and returns False where the sequences between the two do not resemble each other.
    """
    # Either block may run on behind the indel, where bases agree by chance: the indel is between `left` and `right`.
    left = min(last.reference_end, block.reference, block.query + last.diagonal) - FLANK
    right = max(last.reference_end, block.reference, last.query_end + block.diagonal) + FLANK
    left, right = left // GRID * GRID, -(-right // GRID) * GRID

    # An earlier indel close by is realigned together with this one.
    kept = len(stretch)
    while kept > 1 and stretch[kept - 1].reference >= left:
        kept -= 1
    head = stretch[kept - 1]
    left = min(max(left, head.reference), head.reference_end)
    right = min(right, block.reference_end)
    start = head.query + left - head.reference
    end = right - block.diagonal

    seam, score = align_globally(genome[start:end], reference[left:right], preset)
    # One gap is owed to the difference in length; what costs more than its flanks are worth does not belong here.
    if score + preset.gap_cost(abs(right - left - (end - start))) < 0:
        return False
    stretch[kept - 1 :] = [head.to_reference(left)] if left > head.reference else []
    for piece in seam:
        append_block(stretch, Block(start + piece.query, left + piece.reference, piece.length))
    append_block(stretch, block.from_reference(right))
    return True


def _put_in_frame(stretch: list[Block], genome: bytes, gene: Gene) -> None:
    """Move deletions of whole codons right to the next codon where the same bases match there; others stay leftmost.

    A deleted codon is then one codon of the reference, as in published lists of mutations.
    """
    for i in range(len(stretch) - 1):
        left, right = stretch[i : i + 2]
        shift = (gene.start - left.reference_end) % CODON
        deleted = right.diagonal - left.diagonal
        moved = genome[right.query : right.query + shift]
        if (
            deleted > 0
            and deleted % CODON == 0
            and shift < right.length
            and moved == gene.genome[left.reference_end : left.reference_end + shift]
            and moved == gene.genome[right.reference : right.reference + shift]
        ):
            stretch[i] = Block(left.query, left.reference, left.length + shift)
            stretch[i + 1] = right.from_reference(right.reference + shift)


def _extend_over_unknown(path: list[list[Block]], genome: bytes, gene: Gene) -> None:
    """Let the outermost blocks run on to the ends of the gene while the genome's own symbols are N."""
    first = path[0][0]
    before = genome[max(0, first.query - max(0, first.reference - gene.start)) : first.query]
    reach = len(before) - len(before.rstrip(b"N"))
    path[0][0] = Block(first.query - reach, first.reference - reach, first.length + reach)

    last = path[-1][-1]
    behind = genome[last.query_end : last.query_end + max(0, gene.end - last.reference_end)]
    reach = len(behind) - len(behind.lstrip(b"N"))
    path[-1][-1] = Block(last.query, last.reference, last.length + reach)


def _write(path: list[list[Block]], genome: bytes, gene: Gene) -> Spike:
    projected = bytearray(UNCOVERED * gene.length)
    insertions, deletions, placed = [], [], []
    covered = 0
    for stretch in path:
        for block in stretch:
            start, end = max(block.reference, gene.start), min(block.reference_end, gene.end)
            if start < end:
                part = slice(start - block.diagonal, end - block.diagonal)
                projected[start - gene.start : end - gene.start] = genome[part]
                placed.append(part)
                covered += end - start
        for left, right in pairwise(stretch):
            start, end = max(left.reference_end, gene.start) - gene.start, min(right.reference, gene.end) - gene.start
            if start < end:
                projected[start:end] = DELETED * (end - start)
                deletions.append(f"{start + 1}-{end}")
                covered += end - start
            if left.query_end < right.query and gene.start < left.reference_end < gene.end:
                inserted = genome[left.query_end : right.query].decode()
                insertions.append(f"{left.reference_end - gene.start}:{inserted}")
    return Spike(
        native=genome[placed[0].start : placed[-1].stop].decode(),
        projected=projected.decode(),
        insertions=";".join(insertions),
        deletions=";".join(deletions),
        n_fraction=(gene.length - sum(map(projected.count, KNOWN))) / gene.length,
        covered_fraction=covered / gene.length,
    )
