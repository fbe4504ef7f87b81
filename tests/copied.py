"""A copy of the working tree, to run the workflow in."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
TINY = "tests/data/tiny.yaml"


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
    return Checkout(target)


@dataclass
class Checkout:
    """A copy of the project with a run in it."""

    folder: Path

    def command(self, *arguments: str, configfile: str = TINY) -> list[str]:
        return [sys.executable, "-m", "snakemake", "--cores", "2", *arguments, "--configfile", configfile]

    def snakemake(self, *arguments: str, configfile: str = TINY) -> subprocess.CompletedProcess:
        command = self.command(*arguments, configfile=configfile)
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)

    def would_run(self, *arguments: str) -> set[str]:
        """Names of the rules that a dry run plans."""
        result = self.snakemake("--dry-run", *arguments)
        assert result.returncode == 0, result.stdout + result.stderr
        return planned_rules(result.stdout + result.stderr)


def planned_rules(text: str) -> set[str]:
    """Rules of the table of job counts that a dry run prints; empty where there is nothing to do."""
    table = re.search(r"^job +count\n-+ +-+\n(.*?)^total ", text, re.MULTILINE | re.DOTALL)
    return {line.split()[0] for line in table.group(1).splitlines()} if table else set()
