"""Pipelines of external programs."""

import logging
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import BinaryIO, cast

from spikegeometry.errors import InputError

LINES_SHOWN = 5

logger = logging.getLogger(__name__)


@contextmanager
def pipeline(*commands: Sequence[str]) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Run the commands, each reading what the one before it writes, and give the first's stdin and the last's stdout.

    When the block ends well, stdin is closed and all programs are waited for; when it fails, they are killed. What they
    wrote to stderr goes to the log.

    Raises InputError where a program is not installed or any of them, not just the last, ends with an error.
    """
    with ExitStack() as files:
        errors = [files.enter_context(tempfile.TemporaryFile()) for _ in commands]
        processes: list[subprocess.Popen] = []
        try:
            for command, stderr in zip(commands, errors, strict=True):
                logger.info("running %s", shlex.join(command))
                processes.append(_start(command, processes[-1].stdout if processes else subprocess.PIPE, stderr))
            stdin, stdout = cast(tuple[BinaryIO, BinaryIO], (processes[0].stdin, processes[-1].stdout))
            yield stdin, stdout
            stdin.close()
            stdout.close()
        except BaseException as error:
            for process in processes:
                process.kill()
            # A program that died breaks our pipe, or cuts short what we read: then it is the cause.
            _wait(commands, processes, errors, killed=True, cause=error)
            raise
        _wait(commands, processes, errors, killed=False, cause=None)


def _start(command: Sequence[str], stdin, stderr: BinaryIO) -> subprocess.Popen:
    try:
        process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr)
    except FileNotFoundError:
        raise InputError(f"{command[0]} is not installed, or not on the PATH.") from None
    if stdin is not subprocess.PIPE:
        stdin.close()  # ours; otherwise the writer would not notice that its reader has gone
    return process


def _wait(commands, processes, errors, killed: bool, cause: BaseException | None) -> None:
    """Wait for the programs, log what they said, and raise InputError where one failed of itself."""
    harmless = {0, -signal.SIGKILL, -signal.SIGPIPE} if killed else {0}
    failures = []
    for command, process, stderr in zip(commands, processes, errors, strict=False):
        for pipe in (process.stdin, process.stdout):
            if pipe and not pipe.closed:
                with suppress(BrokenPipeError):
                    pipe.close()
        code = process.wait()
        stderr.seek(0)
        lines = stderr.read().decode("utf-8", "replace").splitlines()
        for line in lines:
            logger.info("%s: %s", command[0], line)
        if code not in harmless:
            failures.append(f"`{shlex.join(command)}` ended with exit code {code}: {' / '.join(lines[-LINES_SHOWN:])}")
    if failures:
        raise InputError("\n".join(failures)) from cause
