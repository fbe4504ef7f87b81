"""Archives that users download by hand: tar (plain, gzip, xz, zstd) and zip. Nothing of them is written to disk."""

import io
import logging
import os
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from spikegeometry.errors import InputError
from spikegeometry.genomes.compression import DAMAGE_ERRORS, Decompressed, open_decompressed
from spikegeometry.genomes.fasta import skip_preface

ZIP_MAGIC = b"PK\x03\x04"
TAR_MAGIC, TAR_MAGIC_OFFSET = b"ustar", 257
PEEK_SIZE = 4096
ARCHIVE_ERRORS = (*DAMAGE_ERRORS, tarfile.TarError, zipfile.BadZipFile)

logger = logging.getLogger(__name__)


class _Limited(io.RawIOBase):
    """A stream that refuses to give more than so many bytes, and says which file is damaged."""

    def __init__(self, file: Decompressed, name: str, limit: int):
        self._file, self._name, self._left, self._limit = file, name, limit, limit

    def readable(self) -> bool:
        return True

    def readinto(self, target) -> int:
        try:
            block = self._file.read(len(target))
        except ARCHIVE_ERRORS as error:
            raise InputError(f"{self._name} is truncated or damaged ({error}). Download it again.") from error
        self._left -= len(block)
        if self._left < 0:
            raise InputError(
                f"{self._name} holds more than {self._limit:,} bytes when decompressed. "
                "If it is no archive bomb, raise the limit (max_gigabytes of the source)."
            )
        target[: len(block)] = block
        return len(block)


def read_members(path: str | os.PathLike, limit: int) -> Iterator[tuple[str, io.BufferedReader]]:
    """Yield name and decompressed bytes of each file in an archive, or of the file itself where it is none.

    A member is read before the next one is asked for. Names are for messages only and never become paths. Links,
    devices and encrypted members are left out with a warning.

    Raises InputError where the archive is damaged, or it or a member gives more than `limit` bytes.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            zipped = file.read(4) == ZIP_MAGIC
        members = _zip_members(path) if zipped else _tar_members(path, limit)
        for name, member in members:
            whole = f"{path.name}: {name}" if name else path.name
            with open_decompressed(member) as content:
                yield whole, io.BufferedReader(_Limited(content, whole, limit), PEEK_SIZE)
    except ARCHIVE_ERRORS as error:
        raise InputError(f"{path} is truncated or damaged ({error}). Download it again.") from error


def _tar_members(path: Path, limit: int) -> Iterator[tuple[str, IO[bytes]]]:
    with open_decompressed(path) as content:
        file = io.BufferedReader(_Limited(content, str(path), limit), PEEK_SIZE)
        if file.peek(PEEK_SIZE)[TAR_MAGIC_OFFSET:].startswith(TAR_MAGIC):
            with tarfile.open(fileobj=file, mode="r|") as archive:
                for member in archive:
                    if member.isfile() and (extracted := archive.extractfile(member)):
                        yield member.name, extracted
                    elif not member.isdir():
                        logger.warning("%s: %s is a link or a device and is not read", path, member.name)
        else:
            yield "", file


def _zip_members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.is_dir():
                continue
            if stat.S_ISLNK(member.external_attr >> 16):
                logger.warning("%s: %s is a link and is not read", path, member.filename)
            elif member.flag_bits & 1:
                logger.warning("%s: %s is encrypted and is not read", path, member.filename)
            else:
                with archive.open(member) as file:
                    yield member.filename, file


def kind_of(content: io.BufferedReader) -> str:
    """What a member's first bytes look like: fasta, page (HTML), or text. The stream stays where it is."""
    start = skip_preface(content.peek(PEEK_SIZE)[:PEEK_SIZE])
    return {b">": "fasta", b"<": "page"}.get(start[:1], "text")
