"""Reading and writing of FASTA files of any size."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, NamedTuple

import zstandard

from spikegeometry.errors import InputError
from spikegeometry.genomes.cleaning import GAPS, IUPAC
from spikegeometry.genomes.compression import DAMAGE_ERRORS, Decompressed, open_decompressed
from spikegeometry.tables import atomic_path

BLOCK_SIZE = 1 << 20
# Longer than any genome; what has no end is damage or malice, and must not fill the memory.
MAX_RECORD = 1 << 28
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
WHITESPACE = b" \t\r\n\v\f"
TO_UPPER = bytes(range(256)).upper()
LINE_END = re.compile(rb"[\r\n]")
NO_BASE = re.compile(b"[^" + re.escape(IUPAC + IUPAC.lower() + b"Uu" + GAPS) + b"]")


class Record(NamedTuple):
    """A sequence and its whole header, without the `>`."""

    name: str
    sequence: str


def read_fasta(source: str | os.PathLike | IO[bytes], name: str = "") -> Iterator[Record]:
    """Yield the records of a plain, gzip, xz or zstd FASTA file or stream, one at a time.

    `name` is what messages call a stream.

    Lines end by LF, CR LF or CR. Every `>` outside a header begins a record, also behind blanks or bases. Sequences are
    upper case and without whitespace, otherwise as they stand; a header without sequence is a record with an empty one.
    Bytes of a header that are no UTF-8 stay as surrogates. Memory does not grow with the number of records.

    Raises InputError where the file is empty, no FASTA, truncated or damaged. The records before the damage have been
    yielded by then: whoever writes them on must not keep what was written.
    """
    path, last = name or source, None
    try:
        with open_decompressed(source) as file:
            for text in _split_records(file, path):
                header, lines = _split_header(text)
                last = header.replace(b"\r", b" ").decode("utf-8", "surrogateescape").strip()
                # Files that were put together have a mark before each of their parts.
                bases = lines.replace(BYTE_ORDER_MARK, b"").translate(TO_UPPER, WHITESPACE)
                yield Record(last, bases.decode("latin-1"))
    except DAMAGE_ERRORS as error:
        read = "no whole record was read" if last is None else f"the last whole record is {last!r}"
        raise InputError(f"{path} is truncated or damaged ({error}); {read}. Fetch the file again.") from error


def _split_header(text: bytes) -> tuple[bytes, bytes]:
    """The header of a record and the lines of its sequence."""
    header, _, lines = text.partition(b"\n")
    first, _, rest = header.partition(b"\r")
    # A carriage return within a header is part of it, unless what follows can only be the sequence.
    if rest and (not lines.strip() or not NO_BASE.search(rest)):
        return first, rest + lines
    return header, lines


def skip_preface(start: bytes) -> bytes:
    """The beginning of a file without byte order mark, blank lines and comments (`;`) above the first record."""
    start = start.removeprefix(BYTE_ORDER_MARK).lstrip()
    while start.startswith(b";"):
        start = b"".join(start.splitlines(keepends=True)[1:]).lstrip()
    return start


def _split_records(file: Decompressed, path: str | os.PathLike | IO[bytes]) -> Iterator[bytes]:
    """Yield each record as it stands, without its `>`."""
    start = skip_preface(file.read(BLOCK_SIZE))
    if not start:
        raise InputError(f"{path} is empty. A FASTA file is needed, plain or compressed by gzip, xz or zstd.")
    if not start.startswith(b">"):
        hints = {b"<": " This looks like a web page, perhaps for a login.", b"@": " This looks like FASTQ: convert it."}
        hints |= dict.fromkeys((b"\xff", b"\xfe"), " This looks like UTF-16: save it as UTF-8.")
        hint = hints.get(start[:1], "")
        raise InputError(f"{path} is no FASTA file: it begins with {start[:40]!r} and not with '>'.{hint}")
    rest = start[1:]
    # Blocks grow with a record that does not end, so that a whole chromosome is not copied once for each block.
    while block := file.read(max(BLOCK_SIZE, len(rest))):
        *whole, rest = _at_headers(rest + block)
        yield from whole
        if len(rest) > MAX_RECORD:
            raise InputError(f"{path}: the record {rest[:60]!r} is longer than {MAX_RECORD:,} bytes. Is it FASTA?")
    yield from _at_headers(rest)


def _at_headers(text: bytes) -> Iterator[bytes]:
    """Cut the text of records at each `>` that stands behind the end of a header."""
    begin = searched = 0
    while (line_end := LINE_END.search(text, searched)) and (end := text.find(b">", line_end.end())) >= 0:
        if line_end[0] == b"\n" or _is_next_header(text, line_end.end(), end):
            yield text[begin:end]
            begin = searched = end + 1
        else:
            searched = end
    yield text[begin:]


def _is_next_header(text: bytes, begin: int, end: int) -> bool:
    """Whether a `>` at `end` ends a record whose header may end by the carriage return before `begin`.

    It does where a line ends before it, and where nothing but bases stands between them.
    """
    return (
        not NO_BASE.search(text, begin, end)
        or text.find(b"\n", begin, end) >= 0
        or text[begin - 1 : end].rstrip(b" \t")[-1:] == b"\r"
    )


def read_single(path: str | os.PathLike) -> Record:
    """The one record of a file, such as a reference genome. Raises InputError where there are more."""
    first, *others = read_fasta(path)
    if others:
        raise InputError(f"{path} holds {1 + len(others)} records. One is needed: the reference genome.")
    return first


@contextmanager
def fasta_writer(path: str | os.PathLike, level: int = 3) -> Iterator[Callable[[str, str], None]]:
    """Give a function `write(name, sequence)` that adds a record, on one line, to a zstd FASTA file.

    The file appears when the block ends well, and not at all when it fails.
    """
    with atomic_path(path) as partial, zstandard.open(partial, "wb", zstandard.ZstdCompressor(level)) as file:

        def write(name: str, sequence: str) -> None:
            file.write(f">{name}\n{sequence}\n".encode())

        yield write
