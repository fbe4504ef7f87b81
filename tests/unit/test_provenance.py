"""What really ran, from logs, and the state of the code."""

import hashlib
import json
import subprocess
from copy import deepcopy

import pandas as pd
import pytest

from spikegeometry.config import load_config
from spikegeometry.logs import RAN_WITH
from spikegeometry.report.provenance import checksums, code_state, folder_digest, jobs_that_ran, provenance, versions

HOST = {"system": "Linux", "cpu": "A", "cores": 2, "gpu": None}
OLD = {"programs": {"python": "3.11.7", "bwa": "0.7.17"}, "packages": {"numpy": "2.4.5"}, "host": HOST}
NEW = {"programs": {"python": "3.11.7"}, "packages": {"numpy": "2.4.6"}, "host": HOST | {"gpu": "H"}}
CONFIG = load_config(
    {"run": "x", "seed": 7, "source": {"type": "simulate", "simulate": {}}, "model": {"controls": ["random", "seed2"]}}
)


def write_log(path, job, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    said = [*lines, *([f"12:00:00{RAN_WITH}{json.dumps(job)}"] if job else [])]
    path.write_text("".join(f"{line}\n" for line in said), encoding="utf-8")


def test_jobs_say_what_they_ran_with(tmp_path):
    write_log(tmp_path / "a/align.log", OLD, "x" * 200_000)
    write_log(tmp_path / "plot.log", NEW)
    write_log(tmp_path / "shell.log", None, "[main] done")
    write_log(tmp_path / "running.log", None)
    write_log(tmp_path / "queries/q/predict.log", {"programs": {"python": "2"}})
    write_log(tmp_path / "dataset/encode_query.q.log", {"programs": {"python": "2"}})
    assert jobs_that_ran(tmp_path) == [OLD, NEW]


def test_versions_are_counted_by_jobs():
    table = versions([OLD, NEW, NEW])
    assert table.to_numpy().tolist() == [
        ["program", "bwa", "0.7.17", 1],
        ["program", "python", "3.11.7", 3],
        ["host", "cores", "2", 3],
        ["host", "cpu", "A", 3],
        ["host", "gpu", "H", 2],
        ["host", "system", "Linux", 3],
        ["package", "numpy", "2.4.5", 1],
        ["package", "numpy", "2.4.6", 2],
    ]
    assert versions([]).columns.tolist() == table.columns.tolist()


def test_record_of_a_run(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    genomes, model = tmp_path / "genomes.fasta", tmp_path / "model"
    genomes.write_bytes(b">a\nACGT\n")
    model.mkdir()
    (model / "weights").write_bytes(b"1")
    (model / ".snakemake_timestamp").touch()
    config = deepcopy(CONFIG)
    config["data"] = str(tmp_path / "data")
    made = provenance(config, [OLD], {"commit": None}, [str(genomes)], [str(model)])
    assert made["seeds"] == {"run": 7, "seed2": 9}
    assert made["inputs"] == {"~/genomes.fasta": hashlib.sha256(b">a\nACGT\n").hexdigest()}
    assert made["results"] == {"~/model/weights": hashlib.sha256(b"1").hexdigest()}
    assert made["config"] == CONFIG | {"data": "~/data"} and made["code"] == {"commit": None}
    assert pd.DataFrame(made["versions"]).equals(versions([OLD]))
    assert checksums([]) == {}


@pytest.fixture
def checkout(tmp_path):
    """A repository with one commit of one file."""
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow/Snakefile").write_text("rule all:\n")

    def git(*arguments):
        name = ["-c", "user.name=a", "-c", "user.email=a@b"]
        return subprocess.run(
            ["git", *name, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout

    git("init")
    git("add", ".")
    git("commit", "-m", "first")
    return tmp_path, git("rev-parse", "HEAD").strip()


def test_state_of_the_code(checkout):
    root, commit = checkout
    clean = code_state(root)
    assert (clean["commit"], clean["changed"]) == (commit, 0)
    (root / "workflow/__pycache__").mkdir()
    (root / "workflow/__pycache__/x.pyc").touch()
    assert code_state(root) == clean
    (root / "workflow/Snakefile").write_text("rule other:\n")
    changed = code_state(root)
    assert changed["changed"] == 1 and changed["digest"] != clean["digest"]


def test_without_git(checkout, monkeypatch):
    monkeypatch.setenv("PATH", "")
    state = code_state(checkout[0])
    assert (state["commit"], state["changed"]) == (None, None)
    assert state["digest"] == folder_digest(checkout[0] / "workflow")
