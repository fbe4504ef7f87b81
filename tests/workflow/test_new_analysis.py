"""An analysis made from the template works at once, and its maker touches few files."""

import shutil
import subprocess
import sys

import pytest

from copied import Checkout

NAME = "output_norms"
TOUCHED = {
    f"workflow/scripts/spikegeometry/analyses/{NAME}.py",
    f"workflow/scripts/spikegeometry/figures/{NAME}.py",
    f"workflow/scripts/{NAME}.py",
    f"workflow/scripts/plot_{NAME}.py",
    f"workflow/rules/analyses/{NAME}.smk",
    f"workflow/report/{NAME}.rst",
    f"tests/unit/test_{NAME}.py",
    "workflow/schemas/config.schema.yaml",
}


def contents(folder):
    """The bytes of every file but results and what Python and Snakemake keep, by path."""
    kept = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.is_file() and not {"results", ".snakemake", "__pycache__"} & set(name.parts):
            kept[name.as_posix()] = path.read_bytes()
    return kept


@pytest.fixture(scope="module")
def grown(finished, tmp_path_factory):
    """A copy of the finished run, and the files that the template made or changed."""
    folder = tmp_path_factory.mktemp("grown") / "checkout"
    shutil.copytree(finished.folder, folder)
    before = contents(folder)
    subprocess.run([sys.executable, "tools/new-analysis.py", NAME, "Norms of the outputs"], cwd=folder, check=True)
    after = contents(folder)
    assert before.keys() <= after.keys()
    return Checkout(folder), {path for path, text in after.items() if before.get(path) != text}


def test_files_that_it_touches(grown):
    assert grown[1] == TOUCHED


def test_it_runs_and_nothing_else_does(grown):
    checkout, _ = grown
    assert checkout.would_run() == {NAME, f"plot_{NAME}", "build_atlas", "write_captions", "write_provenance", "all"}
    result = checkout.snakemake(f"results/tiny/geometry/{NAME}.png")
    assert result.returncode == 0, result.stderr[-4000:]
    assert (checkout.folder / f"results/tiny/geometry/{NAME}.svg").stat().st_size > 1000


def test_its_tests_and_those_of_the_house_pass(grown):
    checkout, _ = grown
    files = [f"tests/unit/test_{name}.py" for name in (NAME, "house", "envs", "profiles")]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    # The copy holds a run, whose files are none of the project's, and no history.
    command += ["-k", f"{NAME} or import_arrows or profile"]
    result = subprocess.run(command, cwd=checkout.folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-4000:]


def test_a_name_that_is_taken_is_refused(grown):
    checkout, _ = grown
    command = [sys.executable, "tools/new-analysis.py", NAME]
    result = subprocess.run(command, cwd=checkout.folder, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert f"There is already workflow/scripts/spikegeometry/analyses/{NAME}.py" in result.stderr
