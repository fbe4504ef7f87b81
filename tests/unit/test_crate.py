"""The crate of a run, by a validator of crates and by reading it again."""

import pytest
from rocrate.rocrate import ROCrate

from checkout import ROOT
from crates import faults
from spikegeometry.config import load_config
from spikegeometry.report.crate import write_crate

SOURCE = {"type": "simulate", "simulate": {}}
VERSIONS = [
    {"kind": "program", "name": "bwa", "version": "0.7", "jobs": 3},
    {"kind": "host", "name": "cpu", "version": "A", "jobs": 3},
    {"kind": "package", "name": "numpy", "version": "2.4", "jobs": 3},
]


def written(folder, licence):
    """A crate of a run with one table."""
    config = load_config({"run": "mine", "source": SOURCE, "publish": {"license": licence}})
    code = {"version": "0.1.0", "commit": "abc", "changed": 0, "digest": "d"}
    made = {"run": "mine", "code": code, "versions": VERSIONS, "inputs": {"a.fasta": "00ff"}, "config": config}
    table, logs = folder / "metrics.tsv", folder / "logs"
    table.write_text("set\tvalue\ntest\t1\n", encoding="utf-8")
    logs.mkdir()
    (logs / "job.log").touch()
    write_crate(made, {"evaluation/metrics.tsv": table}, ROOT, logs, folder / "crate")
    return folder / "crate"


@pytest.mark.parametrize("licence", ["mit", None])
def test_the_crate_is_one_of_a_workflow_run(tmp_path, licence):
    assert faults(written(tmp_path, licence)) == []


def test_the_validator_finds_what_is_wrong(tmp_path):
    folder = written(tmp_path, "mit")
    path = folder / "ro-crate-metadata.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"ComputationalWorkflow"', '"HowTo"'), encoding="utf-8")
    (folder / "evaluation/metrics.tsv").unlink()
    found = " ".join(faults(folder))
    assert "Main Workflow must have types" in found and "evaluation/metrics.tsv" in found


def test_what_the_crate_says_of_the_run(tmp_path):
    folder = written(tmp_path, "mit")
    crate = ROCrate(folder)
    run = crate.get("#run")
    assert run["instrument"].id == crate.mainEntity.id == "workflow/Snakefile"
    assert [one["name"] for one in run["object"]] == ["config.yaml", "a.fasta"] and run["object"][1]["sha256"] == "00ff"
    assert [one.id for one in run["result"]] == ["evaluation/metrics.tsv"]
    software = crate.mainEntity["softwareRequirements"]
    assert [(one["name"], one["softwareVersion"]) for one in software] == [("bwa", "0.7"), ("numpy", "2.4")]
    assert crate.license.id == "https://spdx.org/licenses/mit" and run["startTime"] <= run["endTime"]


def test_the_crate_can_be_run_again(tmp_path):
    """It has the workflow, all of it and nothing compiled, and the whole configuration."""
    folder = written(tmp_path, "mit")
    expected = {path.relative_to(ROOT) for path in (ROOT / "workflow").rglob("*.*") if "__pycache__" not in path.parts}
    assert {path.relative_to(folder) for path in (folder / "workflow").rglob("*.*")} == expected
    assert (folder / "resources/NC_045512.2.fasta").is_file() and "run: mine" in (folder / "config.yaml").read_text()
