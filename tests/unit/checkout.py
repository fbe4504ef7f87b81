"""The checkout: imports of its modules, and rules of the workflow, read without running either."""

import ast
import json
from functools import cache
from pathlib import Path

from snakemake.api import ConfigSettings, OutputSettings, ResourceSettings, SnakemakeApi
from snakemake.rules import Rule
from snakemake.settings.enums import Quietness
from snakemake.workflow import Workflow

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "workflow/scripts"
LIBRARY = SCRIPTS / "spikegeometry"
RULES_FILES = sorted((ROOT / "workflow/rules").rglob("*.smk"))


def module_name(path: Path) -> str:
    """Name of a library module below the package: `geometry.heads` for geometry/heads.py."""
    parts = path.relative_to(LIBRARY).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


@cache
def library_modules() -> dict[str, Path]:
    """The library's modules by name, packages' own `__init__.py` left out."""
    return {module_name(path): path for path in sorted(LIBRARY.rglob("*.py")) if path.name != "__init__.py"}


@cache
def imports(path: Path) -> frozenset[str]:
    """All names that a file imports, at any depth of its text: `a.b` for `import a.b` and `from a import b`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names}
    return frozenset(found)


def library_imports(path: Path) -> set[str]:
    """Library modules that a file imports."""
    modules = library_modules()
    found = set()
    for name in imports(path):
        inside = name.removeprefix("spikegeometry.")
        if inside != name:
            found |= {inside, inside.rpartition(".")[0]} & modules.keys()
    return found


def packages(path: Path) -> set[str]:
    """Top-level packages that a file imports."""
    return {name.split(".")[0] for name in imports(path)}


def reached(path: Path) -> set[Path]:
    """The file and all library modules that it imports, directly or not."""
    modules = library_modules()
    seen, waiting = set(), [path]
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            waiting.extend(modules[name] for name in library_imports(current))
    return seen


@cache
def _workflow(config: str) -> Workflow:
    settings = {
        "resource_settings": ResourceSettings(cores=1),
        "config_settings": ConfigSettings(config=json.loads(config)),
        "snakefile": ROOT / "workflow/Snakefile",
    }
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        return api.workflow(**settings)._workflow


def read_workflow(config: dict) -> Workflow:
    """The workflow of a configuration as Snakemake reads it; nothing is run."""
    return _workflow(json.dumps(config))


def rules(device: str = "cpu") -> dict[str, Rule]:
    """Rules of the demo by name, with the model on the CPU or on a GPU (`cuda`)."""
    return {rule.name: rule for rule in read_workflow({"model": {"device": device}}).rules}


def script_of(rule: Rule) -> Path | None:
    """The script of a rule, if it has one."""
    if not rule.script:
        return None
    return Path(rule.basedir.get_path_or_uri(secret_free=True), rule.script.format(params=rule.params)).resolve()


def environments(name: str) -> set[str]:
    """Names of the environments that a rule may run in."""
    paths = (rules(device)[name].conda_env for device in ("cpu", "cuda"))
    return {Path(path).stem for path in paths if path}
