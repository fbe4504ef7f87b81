"""A cluster, and one run of the sharded part on it in which everything goes wrong, beside one that nothing disturbs."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from cluster import Cluster, processes_of, running_cluster
from copied import Checkout, copy_tree

CONFIG = "tests/slurm/sharded.yaml"
RESULTS = "results/sharded"
TARGETS = [
    f"{RESULTS}/{name}"
    for name in ("predictions/finetuned/test.parquet", "dataset/splits.png", "dataset/kmer_ranks.png")
]


@pytest.fixture(scope="session")
def cluster():
    with running_cluster() as running:
        yield running


@pytest.fixture(scope="session")
def sharded(tmp_path_factory) -> Checkout:
    """A copy of the project whose genomes are in shards, ready for the cluster."""
    folder = tmp_path_factory.mktemp("sharded")
    copy_tree(folder)
    write_profile(folder)
    checkout = Checkout(folder)
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


@dataclass
class Disturbed:
    """What remains of the run in which a node was lost and the training was cut off."""

    results: Path
    log: str
    jobs: list[dict[str, str]]


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
        cluster.wait(lambda: [*checkpoints.glob("*/*/trainer_state.json")], "the first checkpoint", 300)
        for training in scripts_of("finetune", "one", "two"):
            training.suspend()
        cluster.wait(lambda: any(job["JobState"] == "TIMEOUT" for job in cluster.jobs()), "the time limit", 180)
        process.wait(300)
    finally:
        process.kill()
        process.wait()
    text = log.read_text(encoding="utf-8")
    assert process.returncode == 0, text[-8000:] + cluster.logs()
    return Disturbed(results, text, [job for job in cluster.jobs() if job["JobId"] not in before])


def write_profile(folder: Path) -> None:
    """Copy the profile as a user does, and say what this cluster has."""
    profile = yaml.safe_load((folder / "workflow/profiles/slurm/config.yaml").read_text(encoding="utf-8"))
    profile["default-resources"] |= {"slurm_partition": "main", "runtime": 5, "mem_mb": 1000}
    profile["set-resources"]["pretrain"] = {"runtime": 5}
    profile["set-resources"]["finetune"] = {"runtime": "1 * attempt"}
    profile["resources"] = {"group_width": 1}
    # No accounting, hence no sacct; one file system, hence no file is late.
    profile |= {
        "slurm-status-command": "squeue",
        "slurm-no-account": True,
        "slurm-init-seconds-before-status-checks": 2,
        "latency-wait": 5,
    }
    (folder / "my-profile").mkdir()
    (folder / "my-profile/config.yaml").write_text(yaml.safe_dump(profile), encoding="utf-8")


def run_here(checkout: Checkout, *arguments: str) -> None:
    result = checkout.snakemake(*arguments, configfile=CONFIG)
    assert result.returncode == 0, (result.stdout + result.stderr)[-8000:]


def on_cluster(*arguments: str) -> list[str]:
    """The command of a run through the profile."""
    return [sys.executable, "-m", "snakemake", *arguments, "--workflow-profile", "my-profile", "--configfile", CONFIG]


def job_ids(cluster: Cluster) -> set[str]:
    return {job["JobId"] for job in cluster.jobs()}


def jobs_of(jobs: list[dict[str, str]], name: str) -> list[dict[str, str]]:
    """Jobs of a rule or group, which stands in the comment of each."""
    return [job for job in jobs if job["Comment"].startswith(f"rule_{name}")]


def scripts_of(rule: str, *nodes: str) -> list:
    """Processes that run a rule's script on the nodes."""
    return [process for node in nodes for process in processes_of(node) if f"{rule}.py" in " ".join(process.cmdline())]
