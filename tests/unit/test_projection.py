"""Projection of a genome on the gene, from hand-made blocks."""

import numpy as np
import pytest
from pysam import AlignedSegment

from spikegeometry.spikes.blocks import Block, blocks_of_strands, chain_blocks, merge_blocks
from spikegeometry.spikes.presets import DEFAULT
from spikegeometry.spikes.projection import (
    Gene,
    Limits,
    Rejection,
    Spike,
    _resolve,
    project_genome,
    reverse_complement,
)
from spikegeometry.spikes.tiles import tile_name

START, END = 100, 700


def random_bases(seed: int, length: int) -> bytes:
    return np.random.default_rng(seed).choice(np.frombuffer(b"ACGT", np.uint8), length).tobytes()


REFERENCE = random_bases(1, 800)
GENE = Gene(REFERENCE, START, END)
SPIKE = REFERENCE[START:END].decode()


def project(genome, blocks, reverse=(), gene=GENE, min_covered_fraction=0.0, max_n_fraction=1.0):
    return project_genome(genome, (list(blocks), list(reverse)), gene, min_covered_fraction, max_n_fraction)


def without(start, end, reference=REFERENCE):
    """Genome that lacks the reference bases `start`..`end` (end not included), and its two blocks."""
    genome = reference[:start] + reference[end:]
    return genome, [Block(0, 0, start), Block(start, end, len(reference) - end)]


def with_bases(position, bases, reference=REFERENCE):
    """Genome with `bases` in front of a reference position, and its two blocks."""
    genome = reference[:position] + bases + reference[position:]
    return genome, [Block(0, 0, position), Block(position + len(bases), position, len(reference) - position)]


def test_the_reference_is_its_own_projection():
    assert project(REFERENCE, [Block(0, 0, 800)]) == Spike(SPIKE, SPIKE, "", "", 0.0, 1.0)


def test_a_deletion_between_blocks():
    genome, blocks = without(301, 328)
    spike = project(genome, blocks)
    assert spike.native == SPIKE[:201] + SPIKE[228:]
    assert spike.projected == SPIKE[:201] + "-" * 27 + SPIKE[228:]
    assert (spike.deletions, spike.covered_fraction, spike.n_fraction) == ("202-228", 1.0, 0.0)


@pytest.mark.parametrize(("left", "right"), [(-25, 25), (4, -6), (3, 3), (0, -9), (-12, 0)])
def test_where_blocks_end_near_a_deletion_does_not_matter(left, right):
    # Tiles end short of the deletion where the aligner clips, or run on behind it.
    genome, (before, behind) = without(301, 328)
    moved = [Block(0, 0, before.length + left), Block(301 + right, 328 + right, behind.length - right)]
    assert project(genome, moved) == project(genome, [before, behind])


def test_a_substitution_beside_a_deletion_is_kept():
    genome, blocks = without(301, 328)
    other = b"A" if genome[301:302] != b"A" else b"C"
    genome = genome[:303] + other + genome[304:]
    spike = project(genome, [Block(0, 0, 301), Block(304, 331, 469)])
    assert spike.projected == (genome[:301] + b"-" * 27 + genome[301:])[START:END].decode()


def test_an_insertion_between_blocks():
    genome, blocks = with_bases(400, b"GAGCCAGAC")
    spike = project(genome, blocks)
    assert spike.native == SPIKE[:300] + "GAGCCAGAC" + SPIKE[300:]
    assert (spike.projected, spike.insertions, spike.deletions) == (SPIKE, "300:GAGCCAGAC", "")
    clipped = [Block(0, 0, 380), Block(420, 411, 389)]
    assert project(genome, clipped) == spike


def test_two_indels_close_by_are_placed_together():
    genome = REFERENCE[:300] + REFERENCE[303:311] + b"GAGCCAGAA" + REFERENCE[311:]
    expected = SPIKE[:200] + "---" + SPIKE[203:]
    # The eight bases between them have a block of their own, or none.
    for middle in ([], [Block(300, 303, 8)]):
        spike = project(genome, [Block(0, 0, 300), *middle, Block(317, 311, 489)])
        assert (spike.projected, spike.insertions) == (expected, "211:GAGCCAGAA")


def repeat_gene(repeat):
    reference = REFERENCE[:280] + repeat + REFERENCE[280 + len(repeat) :]
    return reference, Gene(reference, START, END)


def test_of_equal_places_a_frameshift_is_leftmost():
    reference, gene = repeat_gene(b"GCAAAAAAAAGC")
    genome, blocks = without(286, 288, reference)
    spike = project(genome, blocks, gene=gene)
    assert spike.deletions == "183-184"  # 0-based 282, the first A


def test_of_equal_places_a_deleted_codon_is_a_codon():
    reference, gene = repeat_gene(b"GCAAAAAAAAGC")
    genome, blocks = without(287, 290, reference)
    assert project(genome, blocks, gene=gene).deletions == "184-186"  # codon 62, and not 183-185


def test_an_insertion_is_leftmost():
    reference, gene = repeat_gene(b"GCAAAAAAAAGC")
    genome, blocks = with_bases(288, b"AAA", reference)
    assert project(genome, blocks, gene=gene).insertions == "182:AAA"


def test_each_of_two_neighbouring_deletions_is_put_in_frame():
    # Moving the first to its codon must not undo the second.
    reference, gene = repeat_gene(b"GCAAAAAAAAGCTGACCTTTTTTTTGC")
    genome = reference[:282] + reference[285:297] + reference[300:]
    blocks = [Block(0, 0, 282), Block(282, 285, 12), Block(294, 300, 500)]
    spike = project(genome, blocks, gene=gene)
    assert spike.projected.replace("-", "") == spike.native == genome[START : END - 6].decode()
    assert spike.deletions == "184-186;199-201"


def test_n_between_blocks_of_one_diagonal_is_the_genomes_own():
    genome = REFERENCE[:250] + b"N" * 200 + REFERENCE[450:]
    spike = project(genome, [Block(0, 0, 250), Block(450, 450, 350)])
    assert spike.projected == spike.native == genome[START:END].decode()
    assert (spike.n_fraction, spike.covered_fraction) == (pytest.approx(200 / 600), 1.0)


def test_a_run_of_n_that_is_too_short_is_n_and_deletion():
    genome = REFERENCE[:300] + b"N" + REFERENCE[309:]
    spike = project(genome, [Block(0, 0, 300), Block(301, 309, 491)])
    assert spike.native == genome[START : END - 8].decode()
    assert (spike.projected.count("-"), spike.projected.count("N")) == (8, 1)


def test_ambiguous_bases_stay():
    genome = REFERENCE[:350] + b"RYK" + REFERENCE[353:]
    spike = project(genome, [Block(0, 0, 800)])
    assert spike.projected[250:253] == spike.native[250:253] == "RYK"
    assert spike.n_fraction == pytest.approx(3 / 600)


def test_an_amplicon_lost_without_n_is_no_deletion():
    genome, blocks = without(300, 420)
    spike = project(genome, blocks)
    assert spike.projected == SPIKE[:200] + "N" * 120 + SPIKE[320:]
    assert (spike.native, spike.deletions) == (SPIKE[:200] + SPIKE[320:], "")
    assert spike.covered_fraction == pytest.approx(480 / 600)


def test_a_foreign_stretch_is_not_placed():
    genome = REFERENCE[:300] + random_bases(2, 200) + REFERENCE[500:]
    spike = project(genome, [Block(0, 0, 300), Block(500, 500, 300)])
    assert spike.projected == SPIKE[:200] + "N" * 200 + SPIKE[400:]
    assert spike.native == genome[START:END].decode()


def test_unknown_ends_of_the_gene_are_the_genomes_own():
    genome = b"N" * 150 + REFERENCE[150:650] + b"N" * 150
    spike = project(genome, [Block(150, 150, 500)])
    assert spike.native == spike.projected == genome[START:END].decode()
    assert spike.covered_fraction == 1.0


def test_a_genome_that_begins_in_the_gene_is_not_filled_up():
    spike = project(REFERENCE[220:], [Block(0, 220, 580)])
    assert (spike.native, spike.projected) == (SPIKE[120:], "N" * 120 + SPIKE[120:])
    assert spike.covered_fraction == pytest.approx(0.8)


def test_indels_at_the_ends_of_the_gene():
    genome, blocks = without(START - 6, START + 6)
    spike = project(genome, blocks)
    assert (spike.native, spike.projected, spike.deletions) == (SPIKE[6:], "------" + SPIKE[6:], "1-6")
    for position in (START, END):
        genome, blocks = with_bases(position, b"GAGCCAGAA")
        spike = project(genome, blocks)
        assert (spike.native, spike.projected, spike.insertions) == (SPIKE, SPIKE, "")


def test_the_other_strand_gives_the_same_spike():
    genome, blocks = without(301, 328)
    assert project(reverse_complement(genome), [], reverse=blocks) == project(genome, blocks)


def test_reverse_complement_of_ambiguous_bases():
    assert reverse_complement(b"ACGTRYSWKMBDHVN") == b"NBDHVKMWSRYACGT"
    assert reverse_complement(reverse_complement(REFERENCE)) == REFERENCE


@pytest.mark.parametrize(
    ("genome", "blocks", "reverse", "reason"),
    [
        (REFERENCE, [Block(0, 0, 90)], [], "no_gene"),
        (REFERENCE, [Block(0, 0, 300), Block(400, 400, 400)], [Block(400, 300, 100)], "conflicting"),
        # A second copy of half of the gene.
        (REFERENCE + REFERENCE[100:400], [Block(0, 0, 800), Block(800, 100, 300)], [], "conflicting"),
        (*with_bases(400, random_bases(3, 150)), [], "conflicting"),
        (REFERENCE[220:], [Block(0, 220, 580)], [], "low_coverage"),
        (b"N" * 300 + REFERENCE[300:], [Block(300, 300, 500)], [], "too_many_n"),
    ],
)
def test_reasons_against_a_genome(genome, blocks, reverse, reason):
    result = project(genome, blocks, reverse, min_covered_fraction=0.9, max_n_fraction=0.3)
    assert isinstance(result, Rejection)
    assert result.reason == reason


def test_limits_are_included():
    genome = b"N" * 280 + REFERENCE[280:]
    assert isinstance(project(genome, [Block(280, 280, 520)], max_n_fraction=180 / 600), Spike)
    assert isinstance(project(REFERENCE[160:], [Block(0, 160, 640)], min_covered_fraction=540 / 600), Spike)


def test_blocks_of_overlapping_tiles_merge_by_diagonal():
    blocks = [Block(100, 100, 150), Block(0, 0, 150), Block(250, 250, 10), Block(300, 300, 50), Block(300, 327, 50)]
    assert merge_blocks(blocks) == [Block(0, 0, 260), Block(300, 300, 50), Block(300, 327, 50)]


def test_a_chain_keeps_the_order_of_both_sequences():
    good = [Block(0, 0, 300), Block(290, 317, 300)]
    assert chain_blocks([*good, Block(400, 50, 100), Block(310, 290, 15)]) == good
    assert chain_blocks([]) == []


def record(start, cigar, position, flag=0):
    segment = AlignedSegment()
    segment.query_name, segment.flag, segment.reference_start = tile_name(0, start), flag, position
    segment.cigarstring = cigar
    return segment


def test_cigars_become_blocks_of_the_genome():
    records = [
        record(0, "10S90M3D40M2I8M", 510),
        record(100, "100H50M", 900, flag=2048),  # supplementary, hard-clipped
        record(100, "150M", 600, flag=256),  # secondary
        record(250, "5S145M", 40, flag=16),
    ]
    forward, reverse = blocks_of_strands(records, genome_length=1000)
    assert forward == [Block(10, 510, 90), Block(100, 603, 40), Block(142, 643, 8), Block(200, 900, 50)]
    # The tile is 250..400 of the genome, and so 600..750 of its other strand.
    assert reverse == [Block(605, 40, 145)]


def test_stretches_that_overlap_share_no_base():
    """Further apart than any deletion, the second stretch begins where the first ends, in genome and reference."""
    far = Limits().max_indel + 1
    first, second = Block(0, 0, 100), Block(95, 95 + far, 50)
    assert _resolve([first, second], b"A" * 200, b"A" * 400, 100, DEFAULT) == [[first], [Block(100, 100 + far, 45)]]
