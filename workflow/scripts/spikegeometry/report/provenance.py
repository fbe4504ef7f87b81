"""What really ran: read from the last line of each job's log, not from what the workflow pins."""

import hashlib
import json
import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from spikegeometry import __version__
from spikegeometry.logs import RAN_WITH
from spikegeometry.published import file_digest

# Answers for new genomes are no part of a run: their folder of logs, and what the name of such a split begins with.
QUERIES, QUERY = "queries", "query."
# A log may be long; its last line is here.
TAIL = 1 << 16


def jobs_that_ran(logs: str | Path) -> list[dict[str, Any]]:
    """What `logs.what_ran` said in each log of a folder and of those below it; logs without it are left out."""
    folder = Path(logs)
    found = []
    for path in sorted(folder.rglob("*.log")):
        if path.relative_to(folder).parts[0] == QUERIES or QUERY in path.name:
            continue
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL))
            lines = file.read().decode("utf-8", "replace").splitlines()
        if lines and RAN_WITH in lines[-1]:
            found.append(json.loads(lines[-1].partition(RAN_WITH)[2]))
    return found


def versions(jobs: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """A table of what jobs used: kind (program, package or host), name, version, and the number of jobs."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for job in jobs:
        counts.update(("program", *item) for item in job["programs"].items())
        counts.update(("package", *item) for item in job["packages"].items())
        counts.update(("host", name, str(value)) for name, value in job["host"].items() if value)
    order = {"program": 0, "host": 1, "package": 2}
    rows = sorted(counts.items(), key=lambda item: (order[item[0][0]], item[0]))
    return pd.DataFrame([(*key, n) for key, n in rows], columns=["kind", "name", "version", "jobs"])


def code_state(root: Path) -> dict[str, Any]:
    """The workflow's version, a digest of its files, and the state of its checkout; null where there is no git."""

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "--no-optional-locks", "-C", str(root), *arguments], capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError):
            return None
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no")
    return {
        "version": __version__,
        "digest": folder_digest(root / "workflow"),
        "commit": git("rev-parse", "HEAD"),
        "changed": None if changed is None else len(changed.splitlines()),
    }


def folder_digest(folder: Path) -> str:
    """SHA-256 of the names and contents of all files of a folder but compiled ones."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            total.update(f"{path.relative_to(folder).as_posix()}\0{file_digest(path)}\n".encode())
    return total.hexdigest()


def checksums(paths: Iterable[str]) -> dict[str, str]:
    """SHA-256 of files by their paths; of folders, of each of their files."""
    files = [
        file
        for path in map(Path, paths)
        for file in (sorted(path.rglob("*")) if path.is_dir() else [path])
        if file.is_file() and file.name != ".snakemake_timestamp"
    ]
    return {file.as_posix(): file_digest(file) for file in files}


def provenance(
    config: dict[str, Any],
    jobs: list[dict[str, Any]],
    code: dict[str, Any],
    inputs: Iterable[str],
    results: Iterable[str],
) -> dict[str, Any]:
    """What made a run: seeds, code, versions, machines, checksums of what went in and of what came out, configuration.

    Paths below the user's home begin with ~, because a home has the user's name.
    """
    seeds = {name: config["seed"] + int(name[4:]) for name in config["model"]["controls"] if name[4:].isdigit()}
    made = {
        "run": config["run"],
        "seeds": {"run": config["seed"], **seeds},
        "code": code,
        "versions": versions(jobs).to_dict("records"),
        "inputs": checksums(inputs),
        "results": checksums(results),
        "config": config,
    }
    return json.loads(json.dumps(made).replace(json.dumps(str(Path.home()))[1:-1] + "/", "~/"))
