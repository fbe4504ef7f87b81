"""Which of the pinned packages have newer versions: python tools/newer-pins.py

Pins stand in the requirements files and, as conda calls them, in envs/. PyPI is asked by pip; conda-forge and bioconda
where conda, mamba or micromamba is at hand. A pin moves when all that have the package have the version.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONDA = next(filter(None, map(shutil.which, ("micromamba", "mamba", "conda"))), None)
CHANNELS = ["--override-channels", "--channel", "conda-forge", "--channel", "bioconda"]


def pins(pattern: str, paths: list[Path]) -> dict[str, str]:
    lines = (line for path in paths for line in path.read_text(encoding="utf-8").splitlines())
    return dict(sorted(match.groups() for line in lines if (match := re.match(pattern, line))))


def in_pypi(name: str) -> str:
    asked = [sys.executable, "-m", "pip", "index", "versions", name]
    told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    return match[1] if (match := re.search(r"\(([^)]+)\)", told)) else "not found"


def in_conda(name: str) -> str:
    if CONDA is None:
        return "no conda here"
    told = subprocess.run([CONDA, "search", "--json", *CHANNELS, name], capture_output=True, text=True, check=False)
    try:
        answer = json.loads(told.stdout)
    except json.JSONDecodeError:
        return "not found"
    # conda lists by name, its successors under `result`.
    found = answer.get("result", {}).get("pkgs") or answer.get(name, [])
    newest = max(found, key=lambda one: (one.get("timestamp", 0), one["version"]), default=None)
    return newest["version"] if newest else "not found"


OF_PYPI = pins(r"([\w.-]+)(?:\[\w+\])?==(\S+)", sorted(ROOT.glob("requirements*.txt")))
OF_CONDA = pins(r" *- ([\w.-]+) =(\S+)", sorted(ROOT.glob("envs/*.yaml")))


def main() -> None:
    print("where\tpackage\tpinned\tnewest")
    for where, ask, pinned in (("PyPI", in_pypi, OF_PYPI), ("conda", in_conda, OF_CONDA)):
        for name, version in pinned.items():
            newest = ask(name)
            if newest != version:
                print(where, name, version, newest, sep="\t", flush=True)
            if ask is in_conda and CONDA is None:
                break


if __name__ == "__main__":
    main()
