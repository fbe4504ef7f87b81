"""The error that a user can act on, and the two that stand for what happens anywhere: no room on the disk, and
activations that are no numbers."""

import errno
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

# A full disk, a used-up quota, and a file larger than the system allows.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# The same in the words of libraries and programs that write by themselves; torch and numpy do not say why they failed.
NO_ROOM_SAID = re.compile(
    "|".join(map(os.strerror, NO_ROOM))
    + r"|inline_container\.cc.*(failed writing|unexpected pos)|\d+ requested and \d+ written"
)


class InputError(Exception):
    """Something in the input or the configuration is wrong.

    The message names the file, record or config key and says what to do; scripts show it without a traceback.
    """


class NoRoomError(InputError):
    """The disk has no room for a file or folder, of which `needed` bytes are wanted, where that is known."""

    def __init__(self, said: str, path: str | os.PathLike | None, needed: int | None = None):
        # Not `tempfile.gettempdir`, which fails where it cannot write.
        target, scratch = Path(path or ".").absolute(), Path(os.environ.get("TMPDIR", "/tmp"))
        folder = next(place for place in (target, *target.parents) if place.is_dir())
        takes = f" It takes {_size(needed)}." if needed else ""
        super().__init__(
            f"The disk is full: {path or 'a file'} could not be written ({said}).{takes} There are "
            f"{_free(folder)} free in {folder}, and {_free(scratch)} in {scratch}, where temporary files go (TMPDIR).\n"
            "Make room, or have your quota or file size limit raised, and start again with the same command: what is "
            "finished stays, and no half of a file is taken for a whole one."
        )


def no_room(error: BaseException | None) -> str | None:
    """What was said, by an error or by what caused it, of a disk without room for a file; None for other errors."""
    while error is not None:
        if getattr(error, "errno", None) in NO_ROOM or NO_ROOM_SAID.search(str(error)):
            return str(error).strip().splitlines()[-1]
        error = error.__cause__ or error.__context__
    return None


@contextmanager
def writing(path: str | os.PathLike, needed: int | None = None) -> Iterator[None]:
    """Around the writing of a file or folder: where the disk has no room for it, raise InputError that names it."""
    try:
        yield
    except NoRoomError:
        raise
    except Exception as error:
        if (said := no_room(error)) is None:
            raise
        raise NoRoomError(said, path, needed) from error


def _free(folder: Path) -> str:
    return _size(shutil.disk_usage(folder).free)


def _size(number: int) -> str:
    """Bytes in the unit that suits them."""
    units = ("bytes", "kB", "MB", "GB", "TB")
    power = min(len(str(number)) - 1, 3 * len(units) - 1) // 3
    return f"{number / 1000**power:.3g} {units[power]}"


def check_finite(finite: Iterable[bool], accessions: Iterable[str], place: str) -> None:
    """Raise InputError with the first of the sequences whose activations at a place of the model are not finite."""
    for whole, accession in zip(finite, accessions, strict=True):
        if not whole:
            raise InputError(
                f"The output of {place} is not finite for {accession}.\n"
                "The model's weights are broken: train it anew, with a lower learning rate or `model.precision: fp32`."
            )
