"""What the log of a job holds."""

import getpass
import json
import logging
import os
import platform
import subprocess
import sys
import time

import pytest
import yaml

from checkout import SCRIPTS
from spikegeometry.logs import RAN_WITH, pace, progress

SCRIPT = """
import logging
from spikegeometry.errors import InputError
from spikegeometry.logs import configure_logging, note_programs
configure_logging("job.log")
note_programs({"bwa": "0.7"})
import yaml
logging.info("half done with \\udcf4")
raise InputError("The file is empty.")
"""


def assert_says_what_ran(line):
    """What was imported, at whatever point, and run; nothing of the library alone, and no name of machine or user."""
    ran = json.loads(line.partition(RAN_WITH)[2])
    assert ran["programs"] == {"python": platform.python_version(), "bwa": "0.7"}
    assert ran["packages"]["yaml"] == yaml.__version__ and "json" not in ran["packages"]
    assert "torch" not in ran["packages"] and ran["host"]["gpu"] is None
    assert ran["host"]["cores"] == len(os.sched_getaffinity(0))
    assert not {platform.node(), getpass.getuser()} & {value for value in ran["host"].values() if value}


@pytest.mark.parametrize(("rank", "first"), [({}, True), ({"LOCAL_RANK": "0"}, True), ({"LOCAL_RANK": "1"}, False)])
def test_of_several_processes_the_first_writes_the_log(tmp_path, rank, first):
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS)} | rank
    command = [sys.executable, "-c", SCRIPT]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    lines = ["INFO half done with \\udcf4", "ERROR The file is empty."]
    assert result.returncode == 1
    assert [line.split(" ", 1)[1] for line in result.stderr.splitlines()] == (lines if first else lines[1:])
    if first:
        *said, last = (tmp_path / "job.log").read_text(encoding="utf-8").splitlines(keepends=True)
        assert "".join(said) == result.stderr
        assert_says_what_ran(last)
    else:
        assert not (tmp_path / "job.log").exists()


@pytest.mark.parametrize(
    ("total", "said"),
    [
        (100, "2/s, 30 s left"),
        (640, "2/s, 5 min left"),
        (40 + 4 * 7200, "2/s, 4 h left"),
        (None, "2/s"),
        (40, "2/s, 0 s left"),
    ],
)
def test_pace_of_40_in_20_seconds(total, said):
    assert pace(40, 20.0, total) == said


def test_progress_says_rate_and_remaining_time(monkeypatch, caplog):
    """Of four items that take ten seconds each, two are left after 20 s."""
    clock = iter([0.0, 10.0, 20.0, 25.0, 40.0, 40.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with caplog.at_level(logging.INFO):
        assert list(progress("abcd", "letters", 4)) == [*"abcd"]
    assert caplog.messages == [
        "letters: 1 of 4, 0.1/s, 30 s left",
        "letters: 2 of 4, 0.1/s, 20 s left",
        "letters: 4 of 4, 0.1/s, 0 s left",
        "letters: 4 done in 40.0 s",
    ]
