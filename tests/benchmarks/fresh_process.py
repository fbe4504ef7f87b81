"""Measuring in a process of its own, whose peak memory is that of the work alone."""

import multiprocessing
import resource
import sys
from collections.abc import Callable


def in_fresh_process(work: Callable, *arguments) -> None:
    """Call `work` in a new Python and wait for it."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
    process.start()
    process.join()


def peak_megabytes() -> float:
    """The most memory that this process has held."""
    # In bytes on macOS, in kilobytes on Linux.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
