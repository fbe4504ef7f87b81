"""A copy of the working tree, to run the workflow in."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from spikegeometry.config import load_config
from spikegeometry.genomes.simulate import read_simulated

REPOSITORY = Path(__file__).resolve().parents[1]
TINY = "tiny.yaml"
# Names of genomes of the tiny run; further ones are numbers of six digits.
ODD_NAMES = ["NA", "None", "true", "1e5", "-", "007", "1/2", "nan", "inf", "False", "1_000", "0x1F"]


def copy_tree(target: Path) -> "Checkout":
    """Copy what git tracks or would track, so that no generated file comes along."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (REPOSITORY / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, target / name)
    write_cohort(target)
    return Checkout(target)


def write_cohort(folder: Path) -> None:
    """Write tests/data/tiny.yaml with its simulated genomes under names that programs take for numbers or for nothing.

    Country and lineage are as odd as the names.
    """
    given = yaml.safe_load((REPOSITORY / "tests/data/tiny.yaml").read_text(encoding="utf-8"))
    background = given["source"].pop("background")
    config = load_config({"run": "cohort", "source": given["source"], "seed": given["seed"]})
    block, reference = config["source"]["simulate"], REPOSITORY / config["reference"]["fasta"]
    block["founders"] = REPOSITORY / block["founders"]
    genomes = list(read_simulated(block, reference, config["classes"], config["cleaning"], config["seed"], "source"))
    per_class = block["genomes_per_class"]
    with (folder / "cohort.fasta").open("w") as fasta, (folder / "cohort.tsv").open("w") as labels:
        labels.write("name\tclass\tcountry\tlineage\n")
        for number, genome in enumerate(genomes):
            # In turn over the classes, so that each has some of the odd names.
            place = number % per_class * len(config["classes"]) + number // per_class
            name = ODD_NAMES[place] if place < len(ODD_NAMES) else f"{place:06d}"
            fasta.write(f">{name}\n{genome.sequence}\n")
            labels.write(f"{name}\t{genome.class_name}\t{ODD_NAMES[place % len(ODD_NAMES)]}\t{ODD_NAMES[place % 7]}\n")
    table = {"sequences": "cohort.fasta", "labels": "cohort.tsv"}
    table |= {"country_column": "country", "lineage_column": "lineage"}
    given["source"] = {"type": "table", "table": table, "background": background}
    (folder / TINY).write_text(yaml.safe_dump(given, sort_keys=False), encoding="utf-8")


@dataclass
class Checkout:
    """A copy of the project with a run in it."""

    folder: Path

    def command(self, *arguments: str, configfile: str = TINY) -> list[str]:
        return [sys.executable, "-m", "snakemake", "--cores", "2", *arguments, "--configfile", configfile]

    def snakemake(self, *arguments: str, configfile: str = TINY, **options) -> subprocess.CompletedProcess:
        """Run Snakemake; options are those of `subprocess.run`."""
        command = self.command(*arguments, configfile=configfile)
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, **options)

    def would_run(self, *arguments: str) -> set[str]:
        """Names of the rules that a dry run plans."""
        result = self.snakemake("--dry-run", *arguments)
        assert result.returncode == 0, result.stdout + result.stderr
        return planned_rules(result.stdout + result.stderr)


def planned_rules(text: str) -> set[str]:
    """Rules of the table of job counts that a dry run prints; empty where there is nothing to do."""
    table = re.search(r"^job +count\n-+ +-+\n(.*?)^total ", text, re.MULTILINE | re.DOTALL)
    return {line.split()[0] for line in table.group(1).splitlines()} if table else set()
