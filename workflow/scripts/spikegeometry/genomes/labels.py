"""Tables of names and classes."""

import csv
import io
import os
from collections.abc import Container

from spikegeometry.errors import InputError
from spikegeometry.genomes.compression import DAMAGE_ERRORS, open_decompressed

DELIMITERS = ("\t", ",", ";")


def read_labels(
    path: str | os.PathLike, name_column: str, class_column: str, renamed: dict[str, str], key: str
) -> dict[str, str]:
    """Read a table, plain or compressed, of names and classes: name -> class, in the order of the table.

    The delimiter (tab, comma, semicolon) is the one that the header uses. `renamed` gives values of the class column
    another name. An empty class is kept as "". `key` is the config key of the table's block, for messages.

    Raises InputError where the file or a column is missing, a row is broken or a name has two classes.
    """
    labels = {}
    try:
        with io.TextIOWrapper(open_decompressed(path), encoding="utf-8-sig", newline="") as file:
            header = file.readline()
            if not header.strip():
                raise InputError(f"{path} ({key}.labels) is empty. A table with a header is needed.")
            delimiter = max(DELIMITERS, key=header.count)
            columns = [column.strip() for column in next(csv.reader([header], delimiter=delimiter))]
            positions = [
                _position(columns, column, path, f"{key}.{setting}")
                for column, setting in ((name_column, "name_column"), (class_column, "class_column"))
            ]
            rows = csv.reader(file, delimiter=delimiter)
            for row in rows:
                if not any(map(str.strip, row)):
                    continue
                line = rows.line_num + 1
                if len(row) <= max(positions):
                    raise InputError(f"{path} line {line}: {len(row)} fields where the header has {len(columns)}.")
                name, value = (row[position].strip() for position in positions)
                if not name:
                    raise InputError(f"{path} line {line}: no name in column {name_column}. Fill it or remove the row.")
                value = renamed.get(value, value)
                if labels.setdefault(name, value) != value:
                    raise InputError(
                        f"{path} line {line}: {name} is {value} here and {labels[name]} above. Keep one of the rows."
                    )
    except UnicodeDecodeError:
        raise InputError(f"{path} ({key}.labels) is not UTF-8 text. Convert the file.") from None
    except csv.Error as error:
        raise InputError(f"{path} ({key}.labels) is no table: {error}.") from error
    except DAMAGE_ERRORS as error:
        raise InputError(f"{path} ({key}.labels) is truncated or damaged ({error}). Fetch the file again.") from error
    if not labels:
        raise InputError(f"{path} ({key}.labels) has a header but no row.")
    return labels


def _position(columns: list[str], wanted: str, path: str | os.PathLike, key: str) -> int:
    if wanted not in columns:
        raise InputError(f"{path} has no column {wanted!r} (config key {key}). Its columns: {', '.join(columns)}.")
    return columns.index(wanted)


def match_name(header: str, names: Container[str]) -> str | None:
    """The name among `names` that a FASTA header bears, or None.

    Tried in turn: the whole header, its first word, its fields between pipes (hCoV-19/x|EPI_ISL_1|2021-01-01).
    """
    candidates = [header, *header.split(maxsplit=1)[:1], *map(str.strip, header.split("|"))]
    return next((candidate for candidate in candidates if candidate in names), None)
