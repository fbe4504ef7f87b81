"""What the log of a job holds."""

import os
import subprocess
import sys

import pytest

from checkout import SCRIPTS

SCRIPT = """
import logging
from spikegeometry.errors import InputError
from spikegeometry.logs import configure_logging
configure_logging("job.log")
logging.info("half done with \\udcf4")
raise InputError("The file is empty.")
"""


@pytest.mark.parametrize(("rank", "first"), [({}, True), ({"LOCAL_RANK": "0"}, True), ({"LOCAL_RANK": "1"}, False)])
def test_of_several_processes_the_first_writes_the_log(tmp_path, rank, first):
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS)} | rank
    command = [sys.executable, "-c", SCRIPT]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    lines = ["INFO half done with \\udcf4", "ERROR The file is empty."]
    assert result.returncode == 1
    assert [line.split(" ", 1)[1] for line in result.stderr.splitlines()] == (lines if first else lines[1:])
    if first:
        assert (tmp_path / "job.log").read_text(encoding="utf-8") == result.stderr
    else:
        assert not (tmp_path / "job.log").exists()
