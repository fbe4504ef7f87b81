"""A run on a disk that fills: the rule says so, leaves nothing half written, and the same command ends the run."""

import pytest

from copied import copy_tree
from small_disk import KILOBYTE, small_disk

SPIKES = "results/tiny/spikes/spikes.parquet"


@pytest.fixture
def disk(tmp_path):
    disk = small_disk(tmp_path / "disk")
    yield disk
    disk.remove()


@pytest.mark.parametrize("room", [150, 450])
def test_a_run_on_a_full_disk_goes_on_when_there_is_room(disk, tmp_path, room):
    run = copy_tree(tmp_path / "run")
    (run.folder / "results/tiny").symlink_to(disk.folder)
    disk.fill(room * KILOBYTE)
    result = run.snakemake(SPIKES)
    text = result.stdout + result.stderr
    assert result.returncode != 0
    assert "The disk is full: " in text and "start again with the same command" in text
    assert not [*disk.folder.rglob(".partial-*")]
    assert not (run.folder / SPIKES).exists()
    disk.clear()
    again = run.snakemake(SPIKES)
    assert again.returncode == 0, (again.stdout + again.stderr)[-4000:]
    assert not run.would_run(SPIKES)
