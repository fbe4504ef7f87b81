"""From the alignments of a shard to the gene of each of its genomes."""

import logging
import os
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from tempfile import TemporaryDirectory

import pysam

from spikegeometry.errors import InputError
from spikegeometry.genomes.fasta import read_single
from spikegeometry.logs import progress
from spikegeometry.spikes.blocks import blocks_of_strands
from spikegeometry.spikes.presets import PRESETS
from spikegeometry.spikes.processes import pipeline
from spikegeometry.spikes.projection import Gene, Limits, Rejection, Spike, project_genome
from spikegeometry.spikes.shards import Genome, read_genomes
from spikegeometry.spikes.storage import REJECTED_COLUMNS, spike_writer
from spikegeometry.spikes.tiles import cut_tiles, parse_tile_name
from spikegeometry.tables import row_writer

SORT_MEMORY = "4M"  # some hundred genomes; the rest waits on disk
# Bases beside the gene whose tiles are read too, so that an indel at the gene's end has both its sides.
MARGIN = 200
UNALIGNED = "*"

logger = logging.getLogger(__name__)


def read_gene(reference: str | os.PathLike, start: int, end: int) -> tuple[str, Gene]:
    """Name of the reference genome in alignments, and the gene at `start`..`end` (1-based, both included).

    Raises InputError where the gene is not within the reference genome.
    """
    record = read_single(reference)
    if not start <= end <= len(record.sequence):
        raise InputError(
            f"Config keys reference.start and reference.end are {start} and {end}, but {reference} has the bases "
            f"1 to {len(record.sequence)}."
        )
    return record.name.split()[0], Gene(record.sequence.encode(), start - 1, end)


def extract_spikes(
    genomes: str | os.PathLike,
    table: str | os.PathLike,
    bam: str | os.PathLike,
    reference: str | os.PathLike,
    start: int,
    end: int,
    tile_length: int,
    tile_overlap: int,
    min_covered_fraction: float,
    max_n_fraction: float,
    spikes: str | os.PathLike,
    rejected: str | os.PathLike,
    max_indel: int = Limits.max_indel,
    max_conflict: float = Limits.max_conflict,
    preset: str = "default",
) -> None:
    """Write the gene (`start`..`end`, 1-based, both included) of each genome of a shard, or why there is none.

    The alignments over the gene are sorted by name, that is by genome, and read beside the genomes, because a SAM file
    does not keep IUPAC codes. Memory does not grow with the number of genomes. Every genome is in `spikes` (Parquet)
    or in `rejected` (TSV), both in the order of the shard.
    """
    contig, gene = read_gene(reference, start, end)
    region = f"{contig}:{max(1, start - MARGIN)}-{end + MARGIN}"
    counts: Counter[str] = Counter()
    limits = Limits(max_indel, max_conflict)
    with (
        TemporaryDirectory() as scratch,
        spike_writer(spikes) as write_spike,
        row_writer(rejected, REJECTED_COLUMNS) as rejections,
        pipeline(
            # The unaligned tiles tell a genome without this gene from a sequence of something else.
            ["samtools", "view", "-u", str(bam), region, UNALIGNED],
            ["samtools", "sort", "-n", "-u", "-m", SORT_MEMORY, "-T", f"{scratch}/sort", "-"],
        ) as (_, stdout),
        pysam.AlignmentFile(stdout, "rb") as alignments,
    ):
        for genome, records in progress(_genomes_with_records(genomes, table, alignments), "genomes projected"):
            aligned = [record for record in records if not record.is_unmapped]
            if aligned:
                sequence = genome.sequence.encode()
                strands = blocks_of_strands(aligned, len(sequence))
                accepted = (min_covered_fraction, max_n_fraction, limits, PRESETS[preset])
                result = project_genome(sequence, strands, gene, *accepted)
            else:
                tiles = sum(1 for _ in cut_tiles(genome.sequence, tile_length, tile_overlap))
                result = _explain_absence(tiles, unaligned=len(records))
            if isinstance(result, Spike):
                write_spike(genome.accession, genome.class_name, result)
                counts["extracted"] += 1
            else:
                rejections.writerow((genome.accession, genome.class_name, result.reason, result.detail))
                counts[result.reason] += 1
    logger.info("genomes: %s", ", ".join(f"{number:,} {what}" for what, number in sorted(counts.items())) or "none")


def _genomes_with_records(
    genomes: str | os.PathLike, table: str | os.PathLike, alignments: pysam.AlignmentFile
) -> Iterator[tuple[Genome, list[pysam.AlignedSegment]]]:
    """Yield each genome with its records of a name-sorted stream of alignments."""
    groups = groupby(alignments.fetch(until_eof=True), key=lambda record: parse_tile_name(record.query_name)[0])
    waiting = next(groups, None)
    for ordinal, genome in enumerate(read_genomes(genomes, table)):
        records = []
        if waiting and waiting[0] == ordinal:
            records = list(waiting[1])
            waiting = next(groups, None)
        yield genome, records


def _explain_absence(tiles: int, unaligned: int) -> Rejection:
    if unaligned == tiles:
        return Rejection("unaligned", f"None of its {tiles} tiles aligns to the reference genome.")
    return Rejection("no_gene", f"{tiles - unaligned} of its {tiles} tiles align, but none to the gene.")
