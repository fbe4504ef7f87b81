"""Rows of the tables that people and databases give: CSV with quotation marks, TSV without."""

import csv
import io
import logging
import os
import re
from collections.abc import Container, Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

from spikegeometry.errors import InputError
from spikegeometry.genomes.cleaning import Rejection
from spikegeometry.genomes.compression import DAMAGE_ERRORS, Decompressed, open_decompressed
from spikegeometry.genomes.sources import Genome

PEEK_SIZE = 4096
# A line without end is damage and must not fill the memory.
MAX_LINE = 1 << 24
MAX_LINES = 100  # of one row of CSV
# What a spreadsheet writes above a table to name its delimiter.
SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
# How files begin that are no text: workbooks of old and new kind, PDF, web pages.
FOREIGN_FILES = {b"PK\x03\x04": "a workbook or a zip file", b"\xd0\xcf\x11\xe0": "a workbook", b"%PDF": "a PDF"}

logger = logging.getLogger(__name__)


class NoTable(InputError):
    """A file is something else than a table."""


class Row(NamedTuple):
    """A row of a table, its fields without the blanks around them."""

    line: int  # 1-based, that of its beginning
    fields: list[str]
    text: str  # as it stands
    problem: str = ""  # why its fields are not those of the header's columns

    @property
    def foreign(self) -> bool:
        """Whether it has bytes that are no UTF-8."""
        return is_foreign(self.text)


class Record(NamedTuple):
    """The wanted values of a row; none where the row is broken."""

    line: int
    values: dict[str, str]
    problem: str = ""
    foreign: bool = False


def is_foreign(text: str) -> bool:
    """Whether a text has bytes that are no UTF-8, which readers keep as surrogates."""
    return not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)


def readable(text: str) -> str:
    """A text whose bytes that are no UTF-8 are read as Windows-1252, which Latin-1 is part of."""
    return text.encode("utf-8", "surrogateescape").decode("cp1252", "replace") if is_foreign(text) else text


def broken_row(path: str | os.PathLike, row: Row | Record, reason: str = "bad_row", detail: str = "") -> Genome:
    """The record of a row that gives no genome: FILE:LINE, with the reason."""
    rejection = Rejection(reason, f"{path} line {row.line}: {detail or row.problem}.")
    return Genome(f"{os.path.basename(path)}:{row.line}", "", None, rejection=rejection)


def read_rows(
    path: str | os.PathLike, columns: Mapping[str, str | tuple[str, ...]], key: str, optional: Container[str] = ()
) -> Iterator[Record]:
    """Yield the wanted values of each row that is not empty, by our names for them.

    `columns` maps these to headers of the table, or to several that mean the same; the values of `optional` ones that
    the table lacks are empty. `key` is the config key of the table, for messages.

    Raises InputError where the file is no table or another column is missing.
    """
    where = f"{path} ({key})"
    foreign = []
    try:
        with open_decompressed(path) as content:
            header, rows = split_table(content, where)
            positions = find_columns(header, columns, where)
            for field, names in columns.items():
                if field not in positions and field not in optional:
                    wanted = names if isinstance(names, str) else "' or '".join(names)
                    raise InputError(
                        f"{where} has no column '{wanted}' ({field}). Its columns: {', '.join(header)[:500]}."
                    )
            absent = dict.fromkeys(columns, "")
            for row in rows:
                if row.problem:
                    yield Record(row.line, {}, row.problem)
                    continue
                if row.foreign:
                    foreign.append(row.line)
                values = absent | {field: row.fields[position] for field, position in positions.items()}
                if row.foreign:
                    values = {field: readable(value) for field, value in values.items()}
                yield Record(row.line, values, foreign=row.foreign)
    except DAMAGE_ERRORS as error:
        raise InputError(f"{where} is truncated or damaged ({error}). Fetch the file again.") from error
    warn_of_foreign_rows(where, foreign)


def warn_of_foreign_rows(where: str, lines: list[int]) -> None:
    """Say of which rows the bytes were no UTF-8."""
    if lines:
        logger.warning(
            "%s: %d rows are not UTF-8, the first on line %d; they are read as Windows-1252. Save the file as UTF-8.",
            *(where, len(lines), lines[0]),
        )


def find_columns(header: list[str], wanted: Mapping[str, str | tuple[str, ...]], where: str) -> dict[str, int]:
    """Positions of the wanted columns that a table has, by our names for them, and a line of the log on them.

    Of several names that mean the same the first that the table has counts; where none is written so, one that differs
    in case, blanks or punctuation does. Raises InputError where a table has a column twice.
    """
    plain = [re.sub(r"[\W_]", "", name).casefold() for name in header]
    found = {}
    for field, names in wanted.items():
        names = (names,) if isinstance(names, str) else names
        exact = [(name, header) for name in names if name in header]
        alike = [(one, plain) for name in names if (one := re.sub(r"[\W_]", "", name).casefold()) in plain]
        for name, among in (exact + alike)[:1]:
            if among.count(name) > 1:
                raise InputError(f"{where} has the column {name!r} ({field}) twice. Rename or remove one.")
            found[field] = among.index(name)
    read = ", ".join(f"{field} from {header[position]!r}" for field, position in found.items())
    absent = ", ".join(field for field in wanted if field not in found)
    logger.info("%s: %s%s", where, read or "no column is read", f"; no column of {absent}" if absent else "")
    return found


def split_table(content: Decompressed, where: str) -> tuple[list[str], Iterator[Row]]:
    """Header and rows of a table; rows are read as they are asked for.

    A table whose header holds a tab is TSV: no row has more than one line, and quotation marks mean nothing but around
    a whole field. Otherwise it is CSV, by comma or semicolon. Bytes that are no UTF-8 stay as surrogates.

    Raises NoTable where the content is none.
    """
    lines = _read_lines(content, where)
    first = _next_text(lines)
    separator = SEPARATOR.fullmatch(first.strip())
    header = _next_text(lines) if separator else first
    if not header:
        raise NoTable(f"{where} is empty. A table with a header is needed.")
    delimiter = separator[1] if separator else _delimiter(header)
    if delimiter == "\t":
        columns = _split(header)
        return columns, _tsv_rows(lines, len(columns))
    columns = _csv_header(header, lines, delimiter, where)
    return columns, _csv_rows(lines, delimiter, len(columns))


def _read_lines(content: Decompressed, where: str) -> Iterator[tuple[int, str]]:
    """Number and text of each line, a carriage return within it as a blank."""
    start = content.peek(PEEK_SIZE)[:PEEK_SIZE]
    for magic, kind in FOREIGN_FILES.items():
        if start.startswith(magic):
            raise NoTable(f"{where} is {kind} and no table. Save it as CSV or TSV.")
    if start.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        raise NoTable(f"{where} is a web page, perhaps for a login, and no table. Download it again.")
    encoding = _encoding(start)
    first = re.search(r"\r\n|\n|\r", start.decode(encoding, "ignore"))
    # Old Macintosh files have carriage returns alone; elsewhere one that stands alone is part of a field.
    newline = "" if first and first[0] == "\r" else "\n"
    errors = "surrogateescape" if encoding == "utf-8-sig" else "replace"
    text = io.TextIOWrapper(content, encoding, errors, newline)
    try:
        number = 0
        while line := text.readline(MAX_LINE):
            number += 1
            if len(line) == MAX_LINE:
                raise NoTable(f"{where} is no table: its line {number} is longer than {MAX_LINE:,} letters.")
            # Files that were put together have a mark before each of their parts.
            yield number, line.rstrip("\r\n").lstrip("\ufeff")
    finally:
        # Whoever opened the content closes it, and may have done so.
        with suppress(ValueError):
            text.detach()


def _next_text(lines: Iterator[tuple[int, str]]) -> str:
    """The next line that is not blank; empty where none is left."""
    return next((line for _, line in lines if line.strip()), "")


def _encoding(start: bytes) -> str:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if start[1:2] == b"\0" and start[:1] != b"\0":
        return "utf-16-le"
    return "utf-16-be" if start[:1] == b"\0" else "utf-8-sig"


def _delimiter(header: str) -> str:
    bare = re.sub(r'"[^"]*"', "", header)
    return "\t" if "\t" in bare else max(",;", key=bare.count)


def _split(line: str) -> list[str]:
    """Fields between tabs; quotation marks around a whole field are those of a spreadsheet."""
    fields = [field.strip() for field in line.replace("\r", " ").split("\t")]
    for i, field in enumerate(fields) if '"' in line else ():
        if len(field) > 1 and field[0] == field[-1] == '"' and '"' not in field[1:-1].replace('""', ""):
            fields[i] = field[1:-1].replace('""', '"').strip()
    return fields


def _tsv_rows(lines: Iterator[tuple[int, str]], width: int) -> Iterator[Row]:
    for number, line in _single_rows(lines, "\t", width):
        fields = _split(line)
        # Spreadsheets also put a field that holds a tab in quotation marks.
        if len(fields) > width and len(quoted := _parse(line, "\t") or []) == width:
            fields = quoted
        if any(fields):
            yield _checked(number, fields, line, width)


def _single_rows(lines: Iterator[tuple[int, str]], delimiter: str, width: int) -> Iterator[tuple[int, str]]:
    """The lines; one in which carriage returns part whole rows as several."""
    for number, line in lines:
        parts = line.split("\r") if "\r" in line else ()
        if parts and all(part.count(delimiter) == width - 1 for part in parts):
            yield from ((number, part) for part in parts)
        else:
            yield number, line


def _checked(line: int, fields: list[str], text: str, width: int) -> Row:
    if len(fields) > width and not any(fields[width:]):
        fields = fields[:width]
    problem = "" if len(fields) == width else f"{len(fields)} fields where the header has {width}"
    return Row(line, fields, text, problem)


def _csv_header(first: str, lines: Iterator[tuple[int, str]], delimiter: str, where: str) -> list[str]:
    text = first
    for _ in range(MAX_LINES):
        if (fields := _parse(text, delimiter)) is not None:
            return fields
        _, line = next(lines, (0, None))
        if line is None:
            break
        text += f"\n{line}"
    raise NoTable(f"{where} is no table: a quotation mark of its header is not closed. Correct the header.")


def _parse(text: str, delimiter: str) -> list[str] | None:
    """The fields of a whole row of CSV; None where its quotation marks are not right."""
    try:
        fields = next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None
    return [re.sub(r"[\r\n]+", " ", field).strip() for field in fields]


def _csv_rows(lines: Iterator[tuple[int, str]], delimiter: str, width: int) -> Iterator[Row]:
    """Rows of CSV. A field may go over several lines, of which none but the first could be a row by itself.

    A quotation mark that is never closed would otherwise join rows of several genomes.
    """
    waiting: Row | None = None
    unclosed = "a quotation mark is not closed, or not at the end of its field"
    for number, line in _single_rows(lines, delimiter, width):
        if waiting and (line.count(delimiter) >= width - 1 or waiting.text.count("\n") >= MAX_LINES):
            yield waiting
            waiting = None
        begin, text = (waiting.line, f"{waiting.text}\n{line}") if waiting else (number, line)
        fields = _parse(text, delimiter)
        if fields is None:
            waiting = Row(begin, [], text, unclosed)
        else:
            waiting = None
            if any(fields):
                yield _checked(begin, fields, text, width)
    if waiting:
        yield waiting
