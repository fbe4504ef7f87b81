"""Tiles of genomes, and shards."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikegeometry.errors import InputError
from spikegeometry.genomes.fasta import fasta_writer
from spikegeometry.spikes.shards import Genome, read_genomes, shard_genomes, shard_sizes
from spikegeometry.spikes.tiles import cut_tiles, parse_tile_name, tile_name, tile_starts
from spikegeometry.tables import row_writer


def test_the_last_tile_ends_with_the_genome():
    assert tile_starts(400, tile_length=150, tile_overlap=50) == [0, 100, 200, 250]
    assert tile_starts(350, tile_length=150, tile_overlap=50) == [0, 100, 200]
    assert tile_starts(150, tile_length=150, tile_overlap=50) == [0]


def test_a_short_genome_is_one_tile():
    assert list(cut_tiles("ACGTN", tile_length=150, tile_overlap=50)) == [(0, "ACGTN")]


@given(st.integers(1, 2000), st.integers(3, 300), st.data())
def test_tiles_cover_a_genome_and_overlap_enough(length, tile_length, data):
    overlap = data.draw(st.integers(0, (tile_length - 1) // 2))
    starts = tile_starts(length, tile_length, overlap)
    assert starts[0] == 0
    assert max(starts[-1] + tile_length, length) == max(tile_length, length)
    assert all(before < after <= before + tile_length - overlap for before, after in pairwise(starts))


def test_tiles_of_nothing_but_n_are_left_out():
    sequence = "A" * 100 + "N" * 300 + "C" * 100
    tiles = list(cut_tiles(sequence, tile_length=100, tile_overlap=20))
    assert [tile.start for tile in tiles] == [0, 80, 320, 400]
    assert all(tile.sequence == sequence[tile.start : tile.start + 100] for tile in tiles)
    assert list(cut_tiles("N" * 500, tile_length=100, tile_overlap=20)) == []


def test_tile_names_sort_by_genome_and_start():
    names = [tile_name(ordinal, start) for ordinal in (0, 2, 10, 123_456) for start in (0, 100, 29_753)]
    assert names == sorted(names)
    assert parse_tile_name(tile_name(123_456, 29_753)) == (123_456, 29_753)


@given(st.integers(0, 1000), st.integers(1, 50))
def test_shards_are_even_and_complete(genomes, shards):
    sizes = shard_sizes(genomes, shards)
    assert (sum(sizes), len(sizes)) == (genomes, shards)
    assert max(sizes) - min(sizes) <= 1


def write_accepted(folder, genomes):
    with (
        fasta_writer(folder / "accepted.fasta.zst") as write,
        row_writer(folder / "accepted.tsv", ("accession", "class", "length")) as rows,
    ):
        for genome in genomes:
            write(genome.accession, genome.sequence)
            rows.writerow((genome.accession, genome.class_name, len(genome.sequence)))
    return folder / "accepted.fasta.zst", folder / "accepted.tsv"


@pytest.mark.parametrize("number", [0, 2, 7])
def test_shards_hold_every_genome_once_and_in_order(tmp_path, number):
    genomes = [Genome(f"strain {i}, 'x' \"y\"|z", "alpha", "ACGT" * (i + 1)) for i in range(number)]
    fasta, table = write_accepted(tmp_path, genomes)
    fastas = [tmp_path / f"{shard}.fasta.zst" for shard in range(3)]
    tables = [tmp_path / f"{shard}.tsv" for shard in range(3)]
    shard_genomes(fasta, table, fastas, tables)
    assert [genome for pair in zip(fastas, tables, strict=True) for genome in read_genomes(*pair)] == genomes


@pytest.mark.parametrize("names", [["a", "c"], ["a"], ["a", "b", "c"]])
def test_genomes_and_classes_that_do_not_belong_together_are_refused(tmp_path, names):
    fasta, _ = write_accepted(tmp_path, [Genome("a", "mu", "ACGT"), Genome("b", "mu", "ACGT")])
    with row_writer(tmp_path / "other.tsv", ("accession", "class")) as rows:
        rows.writerows((name, "mu") for name in names)
    with pytest.raises(InputError, match="other.tsv"):
        list(read_genomes(fasta, tmp_path / "other.tsv"))
