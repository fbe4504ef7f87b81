"""A finished run as a Workflow Run RO-Crate (w3id.org/ro/wfrun/workflow/0.5): code, configuration, inputs by their
checksums, results, and what really ran.

What holds single genomes stays out, because their terms may forbid to pass them on.
"""

import mimetypes
import shutil
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

from spikegeometry.errors import writing

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
SHA256 = "https://w3id.org/ro/terms/workflow-run#sha256"
SNAKEFILE = "workflow/Snakefile"
# What it takes to run the workflow again, beside the workflow itself.
CODE = ("envs", "resources", "requirements.txt", "requirements-lint.txt", "constraints.txt", "LICENSE")


def write_crate(
    made: Mapping[str, Any], files: Mapping[str, str | Path], root: Path, logs: str | Path, folder: str | Path
) -> None:
    """Write the crate of a run as a folder.

    `made`: of `report.provenance.provenance`; `files`: what goes along of the run, by its path in the crate; `root`:
    the workflow's checkout; `logs`: folder of the jobs' logs, which say when the run began and ended.
    """
    crate = ROCrate(version="1.1")
    crate.metadata.extra_terms["sha256"] = SHA256
    with TemporaryDirectory() as scratch, writing(folder):
        staged = Path(scratch)
        _stage(root, staged)
        workflow = _add_code(crate, staged, made)
        given = staged / "config.yaml"
        given.write_text(yaml.safe_dump(made["config"], sort_keys=False, allow_unicode=True), encoding="utf-8")
        configuration = _add_file(crate, given, "config.yaml")
        results = [_add_file(crate, path, name) for name, path in files.items()]
        _describe(crate, made)
        action = {"name": f"Run {made['run']}", "description": "The jobs of the workflow, all of them.", **_times(logs)}
        objects = [configuration, *_inputs(crate, made["inputs"])]
        crate.root_dataset["mentions"] = crate.add_action(
            workflow, identifier="#run", object=objects, result=results, properties=action
        )
        crate.write(folder)


def _stage(root: Path, staged: Path) -> None:
    """Copy the code, without what is compiled of it."""
    for name in ("workflow", *CODE):
        if (root / name).is_dir():
            shutil.copytree(root / name, staged / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (root / name).exists():
            shutil.copyfile(root / name, staged / name)


def _add_file(crate: ROCrate, path: str | Path, name: str) -> ContextEntity:
    kind = mimetypes.guess_type(name)[0] or "text/plain"
    return crate.add_file(path, name, properties={"name": name, "encodingFormat": kind})


def _add_code(crate: ROCrate, staged: Path, made: Mapping[str, Any]) -> ContextEntity:
    for name in ("workflow", *CODE):
        place = staged / name
        if place.is_dir():
            crate.add_dataset(place, name, properties={"name": name})
        elif place.exists():
            _add_file(crate, place, name)
    workflow = crate.add_workflow(staged / SNAKEFILE, SNAKEFILE, main=True, lang="snakemake")
    workflow["name"], workflow["version"] = "Spike Geometry", made["code"]["version"]
    workflow["encodingFormat"] = "text/plain"
    workflow["softwareRequirements"] = [
        crate.add(
            ContextEntity(
                crate,
                f"#{row['kind']}-{row['name']}-{row['version']}",
                properties={"@type": "SoftwareApplication", "name": row["name"], "softwareVersion": row["version"]},
            )
        )
        for row in made["versions"]
        if row["kind"] != "host"
    ]
    return workflow


def _inputs(crate: ROCrate, digests: Mapping[str, str]) -> Iterable[ContextEntity]:
    """What went in, by name and checksum."""
    for number, (path, digest) in enumerate(digests.items()):
        properties = {"@type": "CreativeWork", "name": path, "sha256": digest}
        yield crate.add(ContextEntity(crate, f"#input-{number}", properties=properties))


def _describe(crate: ROCrate, made: Mapping[str, Any]) -> None:
    root, code, licence = crate.root_dataset, made["code"], made["config"]["publish"]["license"]
    crate.name = f"Spike Geometry: {made['run']}"
    state = f"commit {code['commit']}, {code['changed']} files changed" if code["commit"] else "no git"
    crate.description = (
        f"A run of the workflow Spike Geometry, version {code['version']} ({state}, digest {code['digest']}). "
        "To repeat it, put the inputs where the configuration names them and run "
        "`snakemake --cores 4 --configfile config.yaml` in this folder."
    )
    crate.license = "No licence of the results is named; the code's is MIT."
    if licence:
        named = {"@type": "CreativeWork", "name": licence}
        crate.license = crate.add(ContextEntity(crate, f"https://spdx.org/licenses/{licence}", properties=named))
    root["conformsTo"] = [
        crate.add(ContextEntity(crate, uri, properties={"@type": "CreativeWork", "name": name, "version": uri[-3:]}))
        for uri, name in PROFILES.items()
    ]


def _times(logs: str | Path) -> dict[str, str]:
    """When the first of the logs was written last, and the last one."""
    times = [path.stat().st_mtime for path in Path(logs).rglob("*.log")]
    named = {"startTime": min(times), "endTime": max(times)} if times else {}
    return {name: datetime.fromtimestamp(time, UTC).isoformat(timespec="seconds") for name, time in named.items()}
