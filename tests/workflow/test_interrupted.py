"""Two runs in one folder, a killed run or shard, a clock that went back: what the README says to do is enough."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import time

import psutil
import pytest

from copied import Checkout, copy_tree

SPIKES = "results/tiny/spikes/spikes.parquet"


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Checkout:
    return copy_tree(tmp_path_factory.mktemp("interrupted"))


@pytest.fixture(scope="module")
def expected(copy) -> bytes:
    """What a run gives that nothing interrupts."""
    other = copy_tree(copy.folder.with_name("uninterrupted"))
    result = other.snakemake(SPIKES)
    assert result.returncode == 0, (result.stdout + result.stderr)[-4000:]
    return (other.folder / SPIKES).read_bytes()


def started(copy: Checkout, rule: str) -> tuple[subprocess.Popen, psutil.Process]:
    """A run that stands still in the script of a rule, and the process of the script."""
    process = subprocess.Popen(
        copy.command(SPIKES), cwd=copy.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for child in psutil.Process(process.pid).children(recursive=True):
            try:
                if f".{rule}.py" in " ".join(child.cmdline()):
                    child.suspend()
                    return process, child
            except psutil.NoSuchProcess:
                continue
        time.sleep(0.02)
    process.kill()
    raise AssertionError(f"{rule} did not start")


def test_a_killed_shard_is_reported_and_leaves_nothing_half_written(copy):
    run, script = started(copy, "align")
    script.send_signal(signal.SIGKILL)
    assert run.wait(120) != 0
    results = copy.folder / "results/tiny/alignment"
    # The other shard was finished; of the killed one there is no file.
    assert len([*results.glob("*.bam")]) == 1
    assert len([*results.glob("*.bam.bai")]) == 1


def test_a_second_run_is_refused_and_harms_nothing(copy):
    run, script = started(copy, "align")
    try:
        second = copy.snakemake(SPIKES)
        assert second.returncode != 0
        assert "cannot be locked" in second.stdout + second.stderr
        assert run.poll() is None
    finally:
        # As a power cut: Snakemake has no time to tidy up.
        run.kill()
        run.wait()
        script.kill()


def test_a_killed_run_goes_on_after_unlock(copy, expected):
    refused = copy.snakemake(SPIKES)
    assert refused.returncode != 0
    assert "cannot be locked" in refused.stdout + refused.stderr
    assert copy.snakemake("--unlock").returncode == 0
    # A file that the killed rule left under its last name, cut short: Snakemake knows that it is not finished.
    missing = next(
        path
        for path in (copy.folder / f"results/tiny/alignment/{shard}.bam" for shard in range(2))
        if not path.exists()
    )
    missing.write_bytes(b"half")
    again = copy.snakemake(SPIKES)
    assert again.returncode == 0, (again.stdout + again.stderr)[-4000:]
    assert (copy.folder / SPIKES).read_bytes() == expected
    assert not copy.would_run(SPIKES)


def test_a_clock_that_went_back_is_said_and_mended(copy, expected):
    """What the first half of the run made is dated two days ahead."""
    results = copy.folder / "results/tiny"
    shutil.rmtree(results)
    assert copy.snakemake(SPIKES, "--until", "align").returncode == 0
    ahead = time.time() + 2 * 24 * 3600
    for path in results.rglob("*"):
        os.utime(path, (ahead, ahead))
    refused = copy.snakemake(SPIKES)
    assert refused.returncode != 0
    assert "older modification time" in refused.stdout + refused.stderr
    assert not (copy.folder / SPIKES).exists()
    (mend,) = re.findall("`(find results [^`]*)`", (copy.folder / "README.md").read_text(encoding="utf-8"))
    subprocess.run(shlex.split(mend), cwd=copy.folder, check=True)
    again = copy.snakemake(SPIKES)
    assert again.returncode == 0, (again.stdout + again.stderr)[-4000:]
    assert (copy.folder / SPIKES).read_bytes() == expected
    assert not copy.would_run(SPIKES)
