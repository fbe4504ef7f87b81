"""The table of spikes: its columns, writing it row by row, and putting its shards together."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from spikegeometry.logs import progress
from spikegeometry.spikes.projection import Spike
from spikegeometry.spikes.shards import read_rows
from spikegeometry.tables import atomic_path, return_freed_memory, row_writer

# Columns behind the first two are the fields of `Spike`.
SCHEMA = pa.schema(
    [
        ("accession", pa.string()),
        ("class", pa.string()),
        ("native", pa.string()),
        ("projected", pa.string()),
        ("insertions", pa.string()),
        ("deletions", pa.string()),
        ("n_fraction", pa.float64()),
        ("covered_fraction", pa.float64()),
    ]
)
REJECTED_COLUMNS = ("accession", "class", "reason", "detail")
ROWS_IN_MEMORY = 250


@contextmanager
def _parquet_writer(path: str | os.PathLike) -> Iterator[pq.ParquetWriter]:
    """A writer of a table of spikes; the file appears when the block ends well."""
    # Statistics are the first and last sequence of each group of rows, which every reader would hold for all groups.
    options = {"compression": "zstd", "write_statistics": False}
    with atomic_path(path) as partial, pq.ParquetWriter(partial, SCHEMA, **options) as writer:
        yield writer


@contextmanager
def spike_writer(path: str | os.PathLike) -> Iterator[Callable[[str, str, Spike], None]]:
    """Give a function `write(accession, class_name, spike)` that adds a row to a Parquet file.

    The file appears when the block ends well, and not at all when it fails.
    """
    rows: list[dict] = []
    with _parquet_writer(path) as writer:

        def flush() -> None:
            writer.write_table(pa.Table.from_pylist(rows, SCHEMA))
            rows.clear()

        def write(accession: str, class_name: str, spike: Spike) -> None:
            rows.append({"accession": accession, "class": class_name} | vars(spike))
            if len(rows) == ROWS_IN_MEMORY:
                flush()

        yield write
        flush()


def gather_spikes(
    shards: Sequence[str | os.PathLike],
    rejected_shards: Sequence[str | os.PathLike],
    spikes: str | os.PathLike,
    rejected: str | os.PathLike,
) -> None:
    """Put the tables of the shards together, in the order of the shards and in constant memory."""
    with _parquet_writer(spikes) as writer, row_writer(rejected, REJECTED_COLUMNS) as rejections:
        for shard, rejected_shard in progress(zip(shards, rejected_shards, strict=True), "shards", len(shards)):
            with pq.ParquetFile(shard) as file:
                for batch in file.iter_batches(ROWS_IN_MEMORY, use_threads=False):
                    writer.write_batch(batch)
                    return_freed_memory()
            rejections.writerows(row.values() for row in read_rows(rejected_shard))
