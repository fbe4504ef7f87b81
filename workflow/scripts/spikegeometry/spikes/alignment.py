"""Alignment of the tiles of a shard: `bwa mem` piped into `samtools sort`."""

import logging
import os
from tempfile import TemporaryDirectory

import pysam

from spikegeometry.logs import note_programs, progress
from spikegeometry.spikes.presets import PRESETS
from spikegeometry.spikes.processes import pipeline
from spikegeometry.spikes.shards import read_genomes
from spikegeometry.spikes.tiles import cut_tiles, tile_name, tile_starts
from spikegeometry.tables import atomic_path

# Both bound the memory, whatever the number of genomes; small batches are no slower than bwa's own of 10 Mb a thread.
BATCH_BASES = 2_000_000
SORT_MEMORY = "32M"

logger = logging.getLogger(__name__)


def align_shard(
    genomes: str | os.PathLike,
    table: str | os.PathLike,
    reference: str | os.PathLike,
    bam: str | os.PathLike,
    index: str | os.PathLike,
    tile_length: int,
    tile_overlap: int,
    threads: int,
    preset: str = "default",
) -> None:
    """Align the tiles of the genomes of a shard to an indexed reference; write a coordinate-sorted BAM and its index.

    Queries are named by `tile_name`; `preset` is one of PRESETS. Both files appear whole or not at all.

    Raises InputError where a program fails.
    """
    aligned = skipped = 0
    with TemporaryDirectory() as scratch, atomic_path(bam) as partial, atomic_path(index) as partial_index:
        align = ["bwa", "mem", "-v", "1", "-t", str(threads), "-K", str(BATCH_BASES)]
        align += [*PRESETS[preset].bwa, str(reference), "-"]
        sort = ["samtools", "sort", "-l", "1", "-m", SORT_MEMORY, "-T", f"{scratch}/sort"]
        sort += ["--write-index", "-o", f"{partial}##idx##{partial_index}", "-"]
        with pipeline(align, sort) as (stdin, _):
            for ordinal, genome in enumerate(progress(read_genomes(genomes, table), "genomes cut into tiles")):
                tiles = list(cut_tiles(genome.sequence, tile_length, tile_overlap))
                queries = [f">{tile_name(ordinal, tile.start)}\n{tile.sequence}\n" for tile in tiles]
                stdin.write("".join(queries).encode())
                aligned += len(tiles)
                skipped += len(tile_starts(len(genome.sequence), tile_length, tile_overlap)) - len(tiles)
    with pysam.AlignmentFile(str(bam)) as made:
        note_programs({one["PN"]: one["VN"] for one in made.header.to_dict()["PG"]})
    logger.info("%s tiles given to bwa, %s left out because all their bases are N", f"{aligned:,}", f"{skipped:,}")
