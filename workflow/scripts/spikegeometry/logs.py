"""Logging of scripts: one call sets it up, long loops report how far they are, the last line says what ran."""

import atexit
import json
import logging
import os
import platform
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from spikegeometry.errors import InputError, NoRoomError, no_room

SECONDS_BETWEEN_REPORTS = 10.0
# Before the JSON of the last line.
RAN_WITH = " INFO ran with "
FORMAT, CLOCK = "%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"
# Packages that make their version when they are asked for it.
LAZY = ("matplotlib", "transformers")
T = TypeVar("T")

logger = logging.getLogger(__name__)
# External programs that the job has run, and their versions.
_programs: dict[str, str] = {}


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
        format=FORMAT,
        datefmt=CLOCK,
        handlers=[*file, logging.StreamHandler()],
        force=True,
    )
    logging.captureWarnings(True)
    # Where the disk is full, so is the log's: stderr says what there is to say.
    logging.raiseExceptions = False
    sys.excepthook = _log_exception
    # At the end, when all is imported that the job needs; where tests set up several logs, of the last alone.
    atexit.unregister(_log_what_ran)
    if first:
        atexit.register(_log_what_ran, *file)


def note_programs(versions: dict[str, str]) -> None:
    """Have the last line of the log name external programs and their versions."""
    _programs.update(versions)


def what_ran() -> dict[str, Any]:
    """Versions of Python, of the packages that are imported and of noted programs, and the kind of machine.

    No name of the machine or of its user is in it; `gpu` is that which the job used, or None.
    """
    try:
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        system = platform.system()
    torch = sys.modules.get("torch")
    return {
        "programs": {"python": platform.python_version(), **_programs},
        "packages": _packages(),
        "host": {
            "system": system,
            "machine": platform.machine(),
            "cpu": _processor(),
            "cores": len(os.sched_getaffinity(0)),
            "gpu": torch.cuda.get_device_name() if torch and torch.cuda.is_initialized() else None,
        },
    }


def _packages() -> dict[str, str]:
    """Versions of what is imported beside Python's own modules, by the names that are imported."""
    # Used where something else has imported it: that takes longer than all else here.
    metadata = sys.modules.get("importlib.metadata")
    found = {}
    for name in sorted(name for name in sys.modules if "." not in name and not name.startswith("_")):
        module = sys.modules[name]
        version = getattr(module, "__dict__", {}).get("__version__") or name in LAZY and module.__version__
        if metadata and name not in sys.stdlib_module_names and not isinstance(version, str):
            with suppress(metadata.PackageNotFoundError):
                version = metadata.version(name)
        if name not in sys.stdlib_module_names and isinstance(version, str):
            found[name] = version
    return found


def _processor() -> str:
    """Name of the processor's kind, as Linux tells it; "" elsewhere."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return ""


def _log_what_ran(file: logging.Handler) -> None:
    """Write the last line of a log; the terminal has no need of it."""
    text = RAN_WITH.removeprefix(" INFO ") + json.dumps(what_ran())
    file.handle(logging.LogRecord(__name__, logging.INFO, __file__, 0, text, None, None))


def _log_exception(kind, error, traceback) -> None:
    if issubclass(kind, InputError):
        logger.error("%s", error)
    elif said := no_room(error):
        logger.error("%s", NoRoomError(said, getattr(error, "filename", None)))
    elif issubclass(kind, KeyboardInterrupt):
        logger.error("interrupted")
    else:
        logger.error("unexpected %s", kind.__name__, exc_info=(kind, error, traceback))


def pace(done: int, seconds: float, total: int | None = None) -> str:
    """How many are done in a second, and where there is a total, how long the rest takes at this rate."""
    rate = f"{done / seconds:.3g}/s"
    if total is None:
        return rate
    return f"{rate}, {in_words((total - done) * seconds / done)} left"


def in_words(seconds: float) -> str:
    """A time in the unit that suits it."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def progress(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """Yield `items` and log about every ten seconds how many of `what` are done, how fast, and what is left."""
    started = reported = time.monotonic()
    done = 0
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - reported >= SECONDS_BETWEEN_REPORTS:
            of_total = f" of {total:,}" if total else ""
            logger.info("%s: %s%s, %s", what, f"{done:,}", of_total, pace(done, now - started, total))
            reported = now
    logger.info("%s: %s done in %.1f s", what, f"{done:,}", time.monotonic() - started)
