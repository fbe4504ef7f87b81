"""Logging of scripts: one call sets it up, long loops report how far they are."""

import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from spikegeometry.errors import InputError, NoRoomError, no_room

SECONDS_BETWEEN_REPORTS = 10.0
T = TypeVar("T")

logger = logging.getLogger(__name__)


def configure_logging(path: str) -> None:
    """Log to the file `path` and to stderr, uncaught exceptions included.

    An InputError is logged as its one message, and so is a disk without room; any other exception with its traceback.
    Of several processes that share a job, as `torchrun` starts them, only the first writes the file; the others report
    nothing but errors.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    first = os.environ.get("LOCAL_RANK", "0") == "0"
    # A line that quotes a name that is no UTF-8 is not lost for it.
    file = [logging.FileHandler(path, mode="w", encoding="utf-8", errors="backslashreplace")] if first else []
    logging.basicConfig(
        level=logging.INFO if first else logging.ERROR,
        format="%(asctime)s %(levelname)s %(message)s",
        datefmt="%H:%M:%S",
        handlers=[*file, logging.StreamHandler()],
        force=True,
    )
    logging.captureWarnings(True)
    # Where the disk is full, so is the log's: stderr says what there is to say.
    logging.raiseExceptions = False
    sys.excepthook = _log_exception


def _log_exception(kind, error, traceback) -> None:
    if issubclass(kind, InputError):
        logger.error("%s", error)
    elif said := no_room(error):
        logger.error("%s", NoRoomError(said, getattr(error, "filename", None)))
    elif issubclass(kind, KeyboardInterrupt):
        logger.error("interrupted")
    else:
        logger.error("unexpected %s", kind.__name__, exc_info=(kind, error, traceback))


def progress(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """Yield `items` and log about every ten seconds how many of `what` are done, and how fast."""
    started = reported = time.monotonic()
    done = 0
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - reported >= SECONDS_BETWEEN_REPORTS:
            of_total = f" of {total:,}" if total else ""
            logger.info("%s: %s%s, %.3g/s", what, f"{done:,}", of_total, done / (now - started))
            reported = now
    logger.info("%s: %s done in %.1f s", what, f"{done:,}", time.monotonic() - started)
