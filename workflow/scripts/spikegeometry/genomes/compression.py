"""Opening of files that may be compressed."""

import gzip
import io
import lzma
import os
import zlib
from pathlib import Path
from typing import IO

import zstandard

GZIP_MAGIC = b"\x1f\x8b"
XZ_MAGIC = b"\xfd7zXZ\x00"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
# pzstd begins its files with a skippable frame.
PZSTD_MAGIC = b"\x50\x2a\x4d\x18"

# What reading a truncated or damaged file raises.
DAMAGE_ERRORS = (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, zstandard.ZstdError)
# What gives the decompressed bytes of a file.
Decompressed = io.BufferedReader | gzip.GzipFile | lzma.LZMAFile


class _ZstdFile(io.RawIOBase):
    """Decompressed bytes of zstd frames; EOFError where the last frame has no end.

    The stream reader of zstandard takes a file that stops within a frame for a whole one.
    """

    # A few kilobytes can hold megabytes of genomes that resemble each other.
    INPUT_SIZE = 4096
    # Frames made by `zstd --ultra --long=31` need as much.
    MAX_WINDOW = 1 << 31

    def __init__(self, file: IO[bytes]):
        self._file = file
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._compressed = b""
        self._output = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, target) -> int:
        while not self._output:
            self._compressed = self._compressed or self._file.read(self.INPUT_SIZE)
            if not self._compressed:
                if self._frame:
                    raise EOFError("the last zstd frame has no end")
                return 0
            frame = self._frame or zstandard.ZstdDecompressor(max_window_size=self.MAX_WINDOW).decompressobj()
            self._frame = frame
            self._output = memoryview(frame.decompress(self._compressed))
            self._compressed = frame.unused_data
            if frame.eof:
                self._frame = None
        size = min(len(target), len(self._output))
        target[:size] = self._output[:size]
        self._output = self._output[size:]
        return size

    def close(self) -> None:
        self._file.close()
        super().close()


class _Borrowed(io.RawIOBase):
    """A stream that somebody else closes."""

    def __init__(self, file: IO[bytes]):
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, target) -> int:
        block = self._file.read(len(target))
        target[: len(block)] = block
        return len(block)


def open_decompressed(source: str | os.PathLike | IO[bytes]) -> Decompressed:
    """Open a plain, gzip, xz or zstd file, or a binary stream, for reading of its decompressed bytes.

    The first bytes decide, not the suffix. Reading raises one of DAMAGE_ERRORS where the file is cut short. Closing
    what is returned closes a file that was opened here, and leaves a stream to its owner.
    """
    file: Path | io.BufferedReader
    if isinstance(source, str | os.PathLike):
        file = Path(source)
        with file.open("rb") as start:
            magic = start.read(6)
    else:
        file = io.BufferedReader(_Borrowed(source))
        magic = file.peek(6)[:6]
    if magic.startswith(GZIP_MAGIC):
        return gzip.open(file)
    if magic.startswith(XZ_MAGIC):
        return lzma.open(file)
    raw = file.open("rb") if isinstance(file, Path) else file
    if magic.startswith((ZSTD_MAGIC, PZSTD_MAGIC)):
        return io.BufferedReader(_ZstdFile(raw))
    return raw
