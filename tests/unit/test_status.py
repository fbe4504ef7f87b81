"""What `make status` says of a run: from a log written by hand, and from one that Snakemake writes."""

import importlib.util
import subprocess
import sys
import time

import pytest

from checkout import ROOT

SCRIPT = ROOT / "tools/show-status.py"
SPEC = importlib.util.spec_from_file_location("show_status", SCRIPT)
tool = importlib.util.module_from_spec(SPEC)
sys.modules[SPEC.name] = tool
SPEC.loader.exec_module(tool)

LOG = """\
  Command: snakemake --cores 2

Job stats:
job      count
-----  -------
align        4
train        2
all          1
total        7

[Mon Nov 30 12:00:00 2026]
rule align:
    input: a
    log: logs/0.log
    jobid: 1

[Mon Nov 30 12:00:00 2026]
rule align:
    log: logs/1.log (check log file(s) for error details)
    jobid: 2
Job 2 has been submitted with SLURM jobid 33.

[Mon Nov 30 12:00:30 2026]
Finished jobid: 1 (Rule: align)
1 of 7 steps (14%) done

[Mon Nov 30 12:00:30 2026] Group job few (jobs in lexicogr. order):

    rule train:
        log: logs/train.log
        jobid: 3

[Mon Nov 30 12:00:50 2026]
Error in rule align:
    message: None
    jobid: 2
    log: logs/1.log (check log file(s) for error details)
Logfile logs/1.log:
================================================================================
[Mon Nov 30 12:00:02 2026]
localrule align:
    jobid: 0
[Mon Nov 30 12:00:45 2026]
Error in rule align:
    jobid: 0
=========
================================================================================
Trying to restart job 2.

[Mon Nov 30 12:01:00 2026]
rule align:
    log: logs/1.log
    jobid: 2
"""
NOW = time.mktime(time.strptime("Mon Nov 30 12:01:10 2026"))


def test_jobs_of_a_log():
    run = tool.read_run(LOG)
    assert (run.planned.total(), len(run.ended), run.failed) == (7, 1, set())
    assert {run.rules[job] for job in tool.running(run)} == {"align", "train"}
    assert tool.waiting(run) == {"align": 2, "train": 1, "all": 1}
    assert tool.durations(run) == {"align": [30.0]}
    assert run.logs["3"] == "logs/train.log"


def test_a_job_that_failed_is_not_running():
    run = tool.read_run(LOG[: LOG.index("Trying")])
    assert run.failed == {"2"} and [run.rules[job] for job in tool.running(run)] == ["train"]


def test_remaining_time_by_hand():
    """An align takes 30 s. Of a train nothing is known: 30 s too, or 130 s where an earlier run says so.

    Running: 10 s of an align and 40 s of a train; 80 s of work were done in 70 s, all told.
    """
    run = tool.read_run(LOG)
    seconds, at_a_time, unknown = tool.seconds_left(run, [], NOW)
    assert (at_a_time, unknown) == (pytest.approx(80 / 70), 3)
    assert seconds * at_a_time == pytest.approx(2 * 30 + 2 * 30 + 20)
    earlier = tool.read_run(LOG + "[Mon Nov 30 12:02:40 2026]\nFinished jobid: 3 (Rule: train)\n")
    seconds, at_a_time, unknown = tool.seconds_left(run, [earlier], NOW)
    assert unknown == 1 and seconds * at_a_time == pytest.approx(2 * 30 + 130 + 30 + 20 + 90)


def test_what_is_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/train.log").write_text("first\n12:01:00 INFO step 3 of 9\n\n")
    (tmp_path / "logs/1.log").write_text("x" * 100)
    said = tool.status(tool.read_run(LOG), [], NOW, alive=True).splitlines()
    assert said == [
        "1 of 7 jobs done",
        "running 40 s: train  (12:01:00 INFO step 3 of 9)",
        f"running 10 s: align  ({'x' * 80} ...)",
        "waiting: 2 align, 1 train, 1 all",
        "left: about 2 min at 1.1 jobs at a time; 3 jobs of rules that never ended here are guessed by the others",
    ]
    assert "start again" in tool.status(tool.read_run(LOG), [], NOW, alive=False)


@pytest.mark.parametrize("text", ["", LOG.split("Job stats")[0], LOG.replace("--cores 2", "--cores 2 --touch")])
def test_what_is_no_run(text):
    assert tool.read_run(text) is None


def test_a_run_of_snakemake(tmp_path):
    """Its log has the form that is read; a dry run after it is not taken for it."""
    (tmp_path / "Snakefile").write_text(
        "rule all:\n    input: 'b'\n\nrule one:\n    output: 'a'\n    shell: 'touch {output}'\n\n"
        "rule two:\n    input: 'a'\n    output: 'b'\n    shell: 'test -e broken && touch {output}'\n"
    )

    def run(*command):
        return subprocess.run(
            [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, check=False
        ).stdout

    assert run(SCRIPT) == "No run has been started in this folder.\n"
    run("-m", "snakemake", "--cores", "1")
    assert run(SCRIPT).startswith("1 of 3 jobs done, 1 failed\nIt has ended before its end")
    (tmp_path / "broken").touch()
    run("-m", "snakemake", "--cores", "1")
    run("-m", "snakemake", "--cores", "1", "--dry-run", "--forceall")
    assert run(SCRIPT) == "2 of 2 jobs done\n"
