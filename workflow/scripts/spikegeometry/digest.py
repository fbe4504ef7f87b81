"""Digest of a script and the library modules behind it.

Snakemake does not see the modules that a script imports, nor the script of a figure, whose name is a param. Each rule
therefore carries the digest of its script and of the script's modules as a parameter.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = "spikegeometry"
ROOT = Path(__file__).resolve().parent


def module_path(module: str) -> Path | None:
    """File of `module`, named relative to the package (`geometry.heads`), or None where there is none."""
    path = ROOT.joinpath(*module.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py") if module else (ROOT / "__init__.py",)
    return next((candidate for candidate in candidates if candidate.is_file()), None)


@cache
def imported_modules(file: Path) -> frozenset[str]:
    """Modules of the package that a file itself imports, anywhere in its text."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            inside = name.removeprefix(f"{PACKAGE}.")
            if inside != name and module_path(inside):
                found.add(inside)
    return frozenset(found)


def all_modules(file: Path) -> list[str]:
    """Modules of the package that a file imports, directly or not, sorted."""
    reached, waiting = set(), [*imported_modules(file)]
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting.extend(imported_modules(module_path(module)))
    return sorted(reached)


def digest(file: Path) -> str:
    """Sixteen hexadecimal digits that change with the text of a file or of any module of the package behind it."""
    total = hashlib.sha256(file.read_bytes())
    for module in all_modules(file):
        if path := module_path(module):
            total.update(module.encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()[:16]
