"""The workflow used from other folders: by its Snakefile, by the working directory, and as a module of another."""

import subprocess
import sys

import pytest
import yaml

CONFIG = {
    "run": "away",
    "source": {"type": "simulate", "simulate": {"founders": "mine/founders.tsv", "genomes_per_class": 3}},
    "alignment": {"shards": 1},
}
MODULE = """\
configfile: "config.yaml"


module spikes:
    snakefile:
        "{snakefile}"
    config:
        config["spikes"]
    prefix:
        "below"


use rule * from spikes as spikes_*
"""


@pytest.fixture
def away(checkout, tmp_path):
    """A folder that holds a table of founders of its own, and a configuration that names it."""
    (tmp_path / "mine").mkdir()
    table = (checkout.folder / "resources/founders.tsv").read_text(encoding="utf-8")
    (tmp_path / "mine/founders.tsv").write_text(table, encoding="utf-8")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    return tmp_path


def snakemake(folder, *arguments):
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, (result.stdout + result.stderr)[-4000:]
    return result.stdout + result.stderr


def test_by_the_snakefile(checkout, away):
    snakefile = str(checkout.folder / "workflow/Snakefile")
    target = "results/away/spikes/spikes.png"
    snakemake(away, target, "--snakefile", snakefile, "--configfile", "config.yaml")
    assert (away / target).exists()
    assert "build_atlas" in snakemake(away, "--dry-run", "--snakefile", snakefile, "--configfile", "config.yaml")


def test_by_the_working_directory(checkout, away):
    target = "results/away/spikes/spikes.png"
    snakemake(checkout.folder, target, "--directory", str(away), "--configfile", str(away / "config.yaml"))
    assert (away / target).exists()


def test_as_a_module_below_a_prefix(checkout, away):
    """Results lie below the prefix; whole runs can be planned."""
    (away / "Snakefile").write_text(MODULE.format(snakefile=checkout.folder / "workflow/Snakefile"))
    (away / "config.yaml").write_text(yaml.safe_dump({"spikes": CONFIG}))
    snakemake(away, "--until", "spikes_plot_spikes", "--", "spikes_all")
    assert (away / "below/results/away/spikes/spikes.png").exists()
    assert "spikes_build_atlas" in snakemake(away, "--dry-run", "spikes_all")
