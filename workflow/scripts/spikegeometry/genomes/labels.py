"""Tables of names, classes and what else is known of genomes."""

import csv
import io
import os
from collections.abc import Container, Iterator
from typing import NamedTuple

from spikegeometry.errors import InputError
from spikegeometry.genomes.classification import ClassRules
from spikegeometry.genomes.cleaning import Rejection
from spikegeometry.genomes.compression import DAMAGE_ERRORS, open_decompressed
from spikegeometry.genomes.sources import Genome

DELIMITERS = ("\t", ",", ";")
# Columns of a table that hold what class rules read, by their config keys.
RULE_COLUMNS = {"lineage_column": "pango", "clade_column": "nextstrain_clade"}


class Label(NamedTuple):
    """What a table says of a genome. Empty where it says nothing."""

    class_name: str = ""
    rule: str = ""  # what gave the class
    date: str = ""  # of collection
    country: str = ""
    lineage: str = ""
    rejection: Rejection | None = None  # why the table gives no class

    def genome(self, accession: str, sequence: str | None) -> Genome:
        """The genome of this label."""
        class_name, rule, *known = self
        return Genome(accession, class_name, sequence, "", rule, *known)


def read_table_labels(block: dict, rules: ClassRules | None, key: str) -> dict[str, Label]:
    """Read the table of labels that a source's block names: name -> label, in the order of the table.

    The block's keys `name_column`, `class_column`, `lineage_column`, `clade_column`, `date_column` and
    `country_column` name the columns, null where there is none. `block["classes"]` gives values of the class column
    another name. Without a class column `rules` give the classes, by lineage and clade. An empty class is kept as "".
    `key` is the config key of the block, for messages.

    Raises InputError where the file or a column is missing, a row is broken or a name has two classes.
    """
    columns = {setting: block[setting] for setting in block if setting.endswith("_column") and block[setting]}
    path, labels = block["labels"], {}
    for line, row in read_rows(path, columns, f"{key}.labels"):
        name = row["name_column"]
        if not name:
            raise InputError(
                f"{path} line {line}: no name in column {columns['name_column']}. Fill it or remove the row."
            )
        label = _label(row, block["classes"], rules)
        if labels.setdefault(name, label).class_name != label.class_name:
            raise InputError(
                f"{path} line {line}: {name} is {label.class_name} here and {labels[name].class_name} above. "
                "Keep one of the rows."
            )
    if not labels:
        raise InputError(f"{path} ({key}.labels) has a header but no row.")
    return labels


def _label(row: dict[str, str], renamed: dict[str, str], rules: ClassRules | None) -> Label:
    known = {field: row.get(f"{field}_column", "") for field in ("date", "country", "lineage")}
    if "class_column" in row:
        value = row["class_column"]
        return Label(renamed.get(value, value), "column" if value else "", **known)
    result = rules.classify({kind: row[column] for column, kind in RULE_COLUMNS.items() if column in row})
    if isinstance(result, Rejection):
        return Label(rejection=result, **known)
    return Label(*result, **known)


def read_rows(path: str | os.PathLike, columns: dict[str, str], key: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line number (1-based) and the stripped values of the wanted columns of each row that is not empty.

    `columns` maps names for the values to headers of the table, plain or compressed, whose delimiter (tab, comma,
    semicolon) is the one that the header uses. `key` is the config key of the table, for messages.

    Raises InputError where the file is no table, a column is missing or a row is too short.
    """
    where = f"{path} ({key})"
    try:
        with io.TextIOWrapper(open_decompressed(path), encoding="utf-8-sig", newline="") as file:
            header = file.readline()
            if not header.strip():
                raise InputError(f"{where} is empty. A table with a header is needed.")
            delimiter = max(DELIMITERS, key=header.count)
            names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter))]
            positions = {field: _position(names, name, where, field) for field, name in columns.items()}
            rows = csv.reader(file, delimiter=delimiter)
            for row in rows:
                if not any(map(str.strip, row)):
                    continue
                line = rows.line_num + 1
                if len(row) <= max(positions.values()):
                    raise InputError(f"{where} line {line}: {len(row)} fields where the header has {len(names)}.")
                yield line, {field: row[position].strip() for field, position in positions.items()}
    except UnicodeDecodeError:
        raise InputError(f"{where} is not UTF-8 text. Convert the file.") from None
    except csv.Error as error:
        raise InputError(f"{where} is no table: {error}.") from error
    except DAMAGE_ERRORS as error:
        raise InputError(f"{where} is truncated or damaged ({error}). Fetch the file again.") from error


def _position(columns: list[str], wanted: str, where: str, field: str) -> int:
    if wanted not in columns:
        raise InputError(f"{where} has no column {wanted!r} ({field}). Its columns: {', '.join(columns)}.")
    return columns.index(wanted)


def match_name(header: str, names: Container[str]) -> str | None:
    """The name among `names` that a FASTA header bears, or None.

    Tried in turn: the whole header, its first word, its fields between pipes (hCoV-19/x|EPI_ISL_1|2021-01-01).
    """
    candidates = [header, *header.split(maxsplit=1)[:1], *map(str.strip, header.split("|"))]
    return next((candidate for candidate in candidates if candidate in names), None)
