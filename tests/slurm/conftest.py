"""A cluster, and one run of the sharded part on it in which everything goes wrong, beside one that nothing disturbs."""

import shutil
import subprocess

import pytest

from cluster import running_cluster
from copied import Checkout, copy_tree
from runs import RESULTS, TARGETS, Disturbed, job_ids, on_cluster, run_here, scripts_of, write_profile


@pytest.fixture(scope="session")
def cluster():
    with running_cluster() as running:
        yield running


@pytest.fixture(scope="session")
def sharded(tmp_path_factory) -> Checkout:
    """A copy of the project whose genomes are in shards, ready for the cluster."""
    folder = tmp_path_factory.mktemp("sharded")
    checkout = copy_tree(folder)
    write_profile(folder)
    run_here(checkout, f"{RESULTS}/reference/genome.fasta.bwt", f"{RESULTS}/alignment/shards/0.fasta.zst")
    return checkout


@pytest.fixture(scope="session")
def undisturbed(sharded, tmp_path_factory) -> Checkout:
    """The run on this machine, without SLURM."""
    folder = tmp_path_factory.mktemp("undisturbed") / "copy"
    shutil.copytree(sharded.folder, folder)
    checkout = Checkout(folder)
    run_here(checkout, *TARGETS)
    return checkout


@pytest.fixture(scope="session")
def disturbed(sharded, cluster, tmp_path_factory) -> Disturbed:
    """The run through the profile for SLURM. Node two dies while it aligns, and comes back when its job has been taken
    from it. The training stands still after a checkpoint until SLURM ends it at its time limit."""
    folder = tmp_path_factory.mktemp("disturbed") / "copy"
    shutil.copytree(sharded.folder, folder)
    results = folder / RESULTS
    before = job_ids(cluster)
    log = folder / "snakemake.log"
    with open(log, "w", encoding="utf-8") as file:
        process = subprocess.Popen(on_cluster(*TARGETS), cwd=folder, stdout=file, stderr=file)
    try:
        cluster.wait(lambda: scripts_of("align", "two"), "node two to align a shard", 120)
        cluster.kill_node("two")
        cluster.wait(lambda: any(job["Restarts"] != "0" for job in cluster.jobs()), "the lost job to be requeued")
        cluster.start_node("two")

        checkpoints = results / "checkpoints/finetuned"
        cluster.wait(lambda: [*checkpoints.glob("*/try1/*/trainer_state.json")], "the first checkpoint", 300)
        for training in scripts_of("finetune", "one", "two"):
            training.suspend()
        cluster.wait(lambda: any(job["JobState"] == "TIMEOUT" for job in cluster.jobs()), "the time limit", 240)
        process.wait(300)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, log.read_text(encoding="utf-8")[-8000:] + cluster.logs()
    return Disturbed(results, [job for job in cluster.jobs() if job["JobId"] not in before])
