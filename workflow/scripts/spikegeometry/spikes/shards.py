"""Shards: blocks of consecutive genomes, each of which is aligned and extracted by jobs of its own."""

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import chain, islice
from typing import NamedTuple

from spikegeometry.errors import InputError
from spikegeometry.genomes.fasta import fasta_writer, read_fasta
from spikegeometry.logs import progress
from spikegeometry.tables import row_writer

COLUMNS = ("accession", "class")


class Genome(NamedTuple):
    """An accepted genome."""

    accession: str
    class_name: str
    sequence: str


def read_genomes(fasta: str | os.PathLike, table: str | os.PathLike) -> Iterator[Genome]:
    """Yield the genomes of a FASTA file with their classes, which stand in the same order in the table.

    Memory does not grow with their number. Where the table has no row, the FASTA file is not read.

    Raises InputError where the two files do not hold the same accessions in the same order.
    """
    rows = read_rows(table)
    if (first := next(rows, None)) is None:
        return
    rows = chain([first], rows)
    for record in read_fasta(fasta):
        row = next(rows, None)
        if row is None or row["accession"] != record.name:
            expected = "no further genome" if row is None else repr(row["accession"])
            raise InputError(f"{fasta} has the genome {record.name!r} where {table} has {expected}. Make both again.")
        yield Genome(record.name, row["class"], record.sequence)
    if (row := next(rows, None)) is not None:
        raise InputError(f"{fasta} ends before the genome {row['accession']!r} of {table}. Make both again.")


def read_rows(table: str | os.PathLike) -> Iterator[dict[str, str]]:
    """Yield the rows of a TSV file, one at a time."""
    with open(table, encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, delimiter="\t")


def shard_sizes(genomes: int, shards: int) -> list[int]:
    """Sizes of the shards, which differ by one genome at most; the last ones are empty where genomes are few."""
    whole, rest = divmod(genomes, shards)
    return [whole + (shard < rest) for shard in range(shards)]


def shard_genomes(
    fasta: str | os.PathLike,
    table: str | os.PathLike,
    shard_fastas: Sequence[str | os.PathLike],
    shard_tables: Sequence[str | os.PathLike],
) -> None:
    """Write the genomes into shards of consecutive genomes, each a zstd FASTA file and a table of their classes."""
    total = sum(1 for _ in read_rows(table))
    genomes = progress(read_genomes(fasta, table), "genomes written to shards", total)
    for size, shard_fasta, shard_table in zip(
        shard_sizes(total, len(shard_fastas)), shard_fastas, shard_tables, strict=True
    ):
        with ExitStack() as files:
            write_sequence = files.enter_context(fasta_writer(shard_fasta))
            rows = files.enter_context(row_writer(shard_table, COLUMNS))
            for genome in islice(genomes, size):
                write_sequence(genome.accession, genome.sequence)
                rows.writerow((genome.accession, genome.class_name))
    next(genomes, None)  # has the end of both files checked
