"""Reading and writing of tables, whole or not at all."""

import csv
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

FLOAT_FORMAT = "%.6g"


@contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """A path beside `path` to write to, renamed to `path` when the block ends well and removed when it fails.

    What a killed process left of the same file is removed first.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(".partial-*"):
        if re.fullmatch(rf"\.partial-\d+-{re.escape(target.name)}", left.name):
            left.unlink(missing_ok=True)
    # The suffix stays last, because writers choose a format or a compression by it.
    partial = target.with_name(f".partial-{os.getpid()}-{target.name}")
    try:
        yield partial
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def row_writer(path: str | os.PathLike, columns: Sequence[str]) -> Iterator[Any]:
    """Give a csv writer of a TSV file with a header of `columns`, for tables too long to hold."""
    with atomic_path(path) as partial, open(partial, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(columns)
        yield writer


def write_tsv(table: pd.DataFrame, path: str | os.PathLike) -> None:
    """Write a table as tab-separated UTF-8 text, missing values as empty fields."""
    with atomic_path(path) as partial:
        table.to_csv(partial, sep="\t", index=False, float_format=FLOAT_FORMAT, lineterminator="\n")


def read_tsv(path: str | os.PathLike) -> pd.DataFrame:
    """Read a table that `write_tsv` wrote.

    Only the empty field is missing: an accession or a class may be called NA. Columns of text hold "" where
    they are empty, columns of numbers NaN.
    """
    table = pd.read_csv(path, sep="\t", keep_default_na=False, na_values=[""], encoding="utf-8", low_memory=False)
    text = [column for column in table if not pd.api.types.is_numeric_dtype(table[column])]
    return table.fillna(dict.fromkeys(text, ""))


def write_parquet(table: pd.DataFrame, path: str | os.PathLike) -> None:
    """Write a table as Parquet, compressed with zstd."""
    with atomic_path(path) as partial:
        table.to_parquet(partial, index=False, compression="zstd")
