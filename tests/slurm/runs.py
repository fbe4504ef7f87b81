"""The sharded part of a run: its files, its profile, and its jobs on the cluster."""

import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import yaml

from cluster import Cluster, processes_of
from copied import Checkout

CONFIG = "tests/slurm/sharded.yaml"
RESULTS = "results/sharded"
TARGETS = [
    f"{RESULTS}/{name}"
    for name in ("predictions/finetuned/test.parquet", "dataset/splits.png", "dataset/kmer_ranks.png")
]


@dataclass
class Disturbed:
    """What remains of the run in which a node was lost and the training was cut off."""

    results: Path
    jobs: list[dict[str, str]]


def write_profile(folder: Path) -> None:
    """Copy the profile as a user does, and say what this cluster has."""
    profile = yaml.safe_load((folder / "workflow/profiles/slurm/config.yaml").read_text(encoding="utf-8"))
    profile["default-resources"] |= {"slurm_partition": "main", "runtime": 5, "mem_mb": 1000}
    profile["set-resources"]["pretrain"] = {"runtime": 5}
    profile["set-resources"]["finetune"] = {"runtime": "3 * attempt - 1"}
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


def scripts_of(rule: str, *nodes: str) -> list[psutil.Process]:
    """Processes that run a rule's script on the nodes."""
    found = []
    for process in (process for node in nodes for process in processes_of(node)):
        with suppress(psutil.NoSuchProcess):
            if f".{rule}.py" in " ".join(process.cmdline()):
                found.append(process)
    return found
