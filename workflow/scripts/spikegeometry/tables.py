"""Reading and writing of tables and arrays, whole or not at all."""

import csv
import errno
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.lib.format import open_memmap

from spikegeometry.errors import writing

FLOAT_FORMAT = "%.6g"
# Columns that hold what users or sources have named.
NAMES = (
    *("accession", "class", "predicted", "true", "sequence", "neighbour", "founder", "lineage", "country", "date"),
    *("rule", "set", "name"),
)
# Rows held at once of a table that is too long to hold.
ROWS_IN_MEMORY = 1000
# Arrow's own allocator keeps what is freed: batch by batch a process grows by a third. The system's does not.
pa.set_memory_pool(pa.system_memory_pool())


def return_freed_memory() -> None:
    """Give the holes that batches of a long table have left in memory back to the system, where it can take them."""
    pa.default_memory_pool().release_unused()


@contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """A path beside `path` to write to, renamed to `path` when the block ends well and removed when it fails.

    What a killed process left of the same file is removed first. Raises InputError where the disk has no room.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(".partial-*"):
        if re.fullmatch(rf"\.partial-\d+-{re.escape(target.name)}", left.name):
            left.unlink(missing_ok=True)
    # The suffix stays last, because writers choose a format or a compression by it.
    partial = target.with_name(f".partial-{os.getpid()}-{target.name}")
    try:
        with writing(target):
            yield partial
            os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


class _LineFeeds:
    """Ends lines by LF for writers of CSV that are told CR LF, because they quote no other line ends than their own."""

    def __init__(self, file: TextIO):
        self._file = file

    def write(self, row: str) -> None:
        self._file.write(row.removesuffix("\r\n") + "\n")


@contextmanager
def row_writer(path: str | os.PathLike, columns: Sequence[str]) -> Iterator[Any]:
    """Give a csv writer of a TSV file with a header of `columns`, for tables too long to hold."""
    with atomic_path(path) as partial, open(partial, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(_LineFeeds(file), delimiter="\t", lineterminator="\r\n")
        writer.writerow(columns)
        yield writer


def write_tsv(table: pd.DataFrame, path: str | os.PathLike) -> None:
    """Write a table as tab-separated UTF-8 text, missing values as empty fields."""
    write_tsv_parts([table], path)


def write_tsv_parts(parts: Iterable[pd.DataFrame], path: str | os.PathLike) -> None:
    """Write tables with the same columns, one below the other, as one that `write_tsv` writes."""
    with atomic_path(path) as partial, open(partial, "w", encoding="utf-8", newline="") as file:
        for number, part in enumerate(parts):
            part.to_csv(
                _LineFeeds(file),
                sep="\t",
                index=False,
                header=not number,
                float_format=FLOAT_FORMAT,
                lineterminator="\r\n",
            )


def read_tsv(path: str | os.PathLike, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a table that `write_tsv` wrote, or some columns of it.

    Only the empty field is missing: an accession or a class may be called NA. Columns of text hold "" where they are
    empty, columns of numbers NaN. Columns of NAMES are text whatever they look like: 007, 1e5 and true are names too.
    """
    table = pd.read_csv(
        path,
        sep="\t",
        keep_default_na=False,
        na_values=[""],
        encoding="utf-8",
        low_memory=False,
        usecols=columns,
        dtype=dict.fromkeys(NAMES, str),
    )
    text = [column for column in table if not pd.api.types.is_numeric_dtype(table[column])]
    return table.fillna(dict.fromkeys(text, ""))


def write_parquet(table: pd.DataFrame, path: str | os.PathLike) -> None:
    """Write a table as Parquet, compressed with zstd."""
    with atomic_path(path) as partial:
        # In groups, because readers of batches hold a whole group.
        table.to_parquet(partial, index=False, compression="zstd", row_group_size=ROWS_IN_MEMORY)


def write_results(results: Mapping[str, pd.DataFrame | Mapping[str, np.ndarray]], paths: Any) -> None:
    """Write what an analysis returned to the files of the same names: tables as .tsv or .parquet, arrays as .npz.

    `paths` gives a path by name.
    """
    for name, result in results.items():
        path = Path(paths[name])
        if path.suffix == ".tsv":
            write_tsv(result, path)
        elif path.suffix == ".parquet":
            write_parquet(result, path)
        else:
            with atomic_path(path) as partial:
                np.savez_compressed(partial, **result)


def join_parquet(parts: Sequence[str | os.PathLike], path: str | os.PathLike) -> None:
    """Write the rows of Parquet files with the same columns into one, one part after the other, in constant memory."""
    # A column of a part without rows may have no type.
    schemas = [pq.read_schema(part).remove_metadata() for part in parts]
    schema = pa.unify_schemas(schemas, promote_options="permissive")
    batches = (
        batch.cast(schema)
        for part in parts
        for batch in pq.ParquetFile(part).iter_batches(ROWS_IN_MEMORY, use_threads=False)
    )
    write_batches(batches, schema, path)


def write_batches(batches: Iterable[pa.RecordBatch], schema: pa.Schema, path: str | os.PathLike) -> None:
    """Write batches of one table as Parquet, compressed with zstd, in groups of about `ROWS_IN_MEMORY` rows."""
    with atomic_path(path) as partial, pq.ParquetWriter(partial, schema, compression="zstd") as writer:
        waiting: list[pa.RecordBatch] = []
        for batch in batches:
            waiting.append(batch)
            if sum(map(len, waiting)) >= ROWS_IN_MEMORY:
                writer.write_table(pa.Table.from_batches(waiting, schema))
                waiting.clear()
                return_freed_memory()
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting, schema))


def create_array(path: str | os.PathLike, shape: tuple[int, ...], dtype: type = np.float32) -> np.memmap:
    """A new .npy file of zeros, to be written to through a memory map.

    Its room on the disk is taken at once: a map that finds none when it is written to kills the process without a word.
    Raises InputError where there is none.
    """
    needed = int(np.prod(shape)) * np.dtype(dtype).itemsize
    # A part of a file that `atomic_path` gives is called by the file's own name.
    name = re.sub(r"^\.partial-\d+-", "", Path(path).name)
    with writing(Path(path).with_name(name), needed):
        array = open_memmap(path, "w+", dtype, shape)
        with open(path, "r+b") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size)
            except OSError as error:
                if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):  # file systems that cannot
                    raise
    return array
