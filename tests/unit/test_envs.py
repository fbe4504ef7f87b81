"""The conda environments: pinned, the same versions as the virtual environment, and all that their scripts import."""

import re
import runpy
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pysam
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from checkout import LIBRARY, ROOT, environments, packages, reached, rules, script_of

ENVIRONMENTS = {path.stem: path for path in sorted((ROOT / "envs").glob("*.yaml"))}
WITH_SCRIPT = {name: script_of(rule) for name, rule in rules().items() if rule.script}

# Names on conda-forge, and names that are imported, where they differ from the package's. Each transformers release
# holds its tokenizers to one minor version, and brings the hub's client.
CONDA_NAMES = {"torch": {"pytorch", "pytorch-gpu"}, "matplotlib": {"matplotlib-base"}}
IMPORT_NAMES = {
    "pillow": {"PIL"},
    "scikit-learn": {"sklearn"},
    "pyyaml": {"yaml"},
    "transformers": {"transformers", "tokenizers", "huggingface_hub", "httpx"},
    "umap-learn": {"umap"},
}
BIOCONDA = {"bwa", "samtools", "pysam"}
NOT_PYTHON = {"python", "bwa", "samtools", "cuda-version"}


def pins(name: str) -> dict[str, str]:
    """Packages of a requirements file and their versions; fails on one that is not pinned."""
    found = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("#", "-r ", "-c ")):
            requirement = Requirement(line)
            (specifier,) = requirement.specifier
            assert specifier.operator == "==" and "*" not in specifier.version, line
            found[canonicalize_name(requirement.name)] = specifier.version
    return found


def conda_packages(name: str) -> dict[str, str]:
    """Packages of an environment and their versions; fails on one that is not pinned."""
    dependencies = yaml.safe_load(ENVIRONMENTS[name].read_text(encoding="utf-8"))["dependencies"]
    # What no channel has comes from PyPI, last.
    of_pip = dependencies.pop()["pip"] if isinstance(dependencies[-1], dict) else []
    dependencies += [entry.replace("==", " =") for entry in of_pip]
    matches = [re.fullmatch(r"([a-z0-9-]+) =(\d+(?:\.\d+)+)", entry) for entry in dependencies]
    assert all(matches), "write each package as `name =version`"
    assert len({match[1] for match in matches}) == len(matches)
    return {match[1]: match[2] for match in matches}


RUNNING = pins("requirements-lint.txt") | pins("requirements.txt")
PIP_NAMES = {conda: pip for pip in RUNNING for conda in CONDA_NAMES.get(pip, {pip})}


def python_packages(name: str) -> dict[str, str]:
    """Python packages of an environment by the names of the requirements files, and their versions."""
    return {PIP_NAMES[conda]: version for conda, version in conda_packages(name).items() if conda not in NOT_PYTHON}


def importable(names: Iterable[str]) -> set[str]:
    """What can be imported where these packages are installed."""
    return set().union(*(IMPORT_NAMES.get(name, {name}) for name in names))


def outside_packages(paths: Iterable[Path]) -> set[str]:
    """Packages that files import beside Python's own and the library."""
    return set().union(*map(packages, paths)) - sys.stdlib_module_names - {"spikegeometry"}


def test_requirements_pin_each_package_once():
    files = [pins(path.name) for path in (*ROOT.glob("requirements*.txt"), ROOT / "constraints.txt")]
    assert sum(map(len, files)) == len(set().union(*files))


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_environment_carries_the_versions_of_the_virtual_environment(name):
    given = python_packages(name)
    assert given == {package: RUNNING[package] for package in given}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_channels(name):
    given = yaml.safe_load(ENVIRONMENTS[name].read_text(encoding="utf-8"))
    bioconda = ["bioconda"] if BIOCONDA & conda_packages(name).keys() else []
    assert given.keys() == {"channels", "dependencies"}
    assert given["channels"] == ["conda-forge", *bioconda, "nodefaults"]


def test_one_python_in_all_environments():
    assert len({conda_packages(name)["python"] for name in ENVIRONMENTS}) == 1


def test_gpu_environment_is_the_torch_one_with_cuda():
    cpu, gpu = conda_packages("torch"), conda_packages("torch-gpu")
    assert gpu.keys() - cpu.keys() == {"pytorch-gpu", "cuda-version"}
    assert python_packages("torch-gpu") == python_packages("torch")


@pytest.mark.parametrize("name", WITH_SCRIPT)
def test_environment_covers_what_the_script_imports(name):
    """`script:` falls back on the packages of Snakemake's own Python, which would hide one that is missing."""
    needed = outside_packages(reached(WITH_SCRIPT[name]))
    for environment in environments(name):
        assert not needed - importable(python_packages(environment)), f"missing in envs/{environment}.yaml"


def test_every_environment_is_used():
    assert set().union(*map(environments, rules())) == ENVIRONMENTS.keys()


def test_the_library_declares_what_it_imports():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [Requirement(entry) for entry in project["dependencies"]]
    assert outside_packages(LIBRARY.rglob("*.py")) <= importable(entry.name for entry in declared)
    assert all(RUNNING[canonicalize_name(entry.name)] in entry.specifier for entry in declared)


def test_the_report_of_newer_versions_knows_every_pin():
    report = runpy.run_path(str(ROOT / "tools/newer-pins.py"), run_name="report")
    pinned = {canonicalize_name(name): version for name, version in report["OF_PYPI"].items()}
    assert RUNNING.items() <= pinned.items()
    known = report["OF_PYPI"] | report["OF_CONDA"]
    assert all(known[name] == version for env in ENVIRONMENTS for name, version in conda_packages(env).items())


def test_the_image_has_the_programs_of_the_environments():
    """BWA by the checksum of its pinned source, samtools by the pysam that has it, all packages by the requirements."""
    align = conda_packages("align")
    sums = (ROOT / "container/SHA256SUMS").read_text(encoding="utf-8").split()
    assert sums[1] == f"bwa-{align['bwa']}.tar.gz" and re.fullmatch(r"[0-9a-f]{64}", sums[0])
    assert pysam.version.__samtools_version__ == align["samtools"]
    # What the image is made of is copied into it.
    for recipe in ("Dockerfile", "spikegeometry.def"):
        text = (ROOT / "container" / recipe).read_text(encoding="utf-8")
        needed = (
            "requirements.txt",
            "requirements-lint.txt",
            "constraints.txt",
            "envs/align.yaml",
            "container/install",
        )
        named = ("requirements.txt", "requirements-lint.txt", "constraints.txt", "align.yaml", "container")
        assert all((ROOT / path).exists() for path in needed) and all(name in text for name in named)


@pytest.mark.parametrize("command", [["view", "-h"], ["sort", "-n", "-O", "sam"]])
def test_samtools_of_the_image_is_samtools(tmp_path, command):
    """The command in the image, which pysam stands behind, gives what samtools gives, from a pipe too."""
    records = "".join(f"r{9 - place}\t0\tgene\t{place + 1}\t60\t4M\t*\t0\t0\tACGT\t*\n" for place in range(9))
    text = f"@SQ\tSN:gene\tLN:100\n{records}"
    ours = tmp_path / "samtools"
    source = (ROOT / "container/samtools").read_text(encoding="utf-8")
    ours.write_text(source.replace("/usr/local/spikegeometry/bin/python", sys.executable, 1), encoding="utf-8")
    ours.chmod(0o755)
    outputs = [
        subprocess.run(
            [program, *command, "--no-PG", "-"], input=text, capture_output=True, text=True, check=True
        ).stdout
        for program in ("samtools", str(ours))
    ]
    # Versions word the line of the order differently.
    one, other = ([line for line in text.splitlines() if not line.startswith("@HD")] for text in outputs)
    assert one == other and outputs[1].count("\tgene\t") == 9
    failed = subprocess.run(
        [str(ours), "view", str(tmp_path / "none.bam")], capture_output=True, text=True, check=False
    )
    assert failed.returncode and "none.bam" in failed.stderr
