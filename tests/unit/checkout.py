"""The checkout as text: imports of its modules, and rules of the workflow, read without running either."""

import ast
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "workflow/scripts"
LIBRARY = SCRIPTS / "spikegeometry"
RULES = sorted((ROOT / "workflow/rules").rglob("*.smk"))


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


@dataclass
class Rule:
    """A rule's directives as text, by name; `base` is the rule that it is made of, if it is."""

    name: str
    file: Path
    directives: dict[str, str] = field(default_factory=dict)
    base: str = ""

    @property
    def script(self) -> Path | None:
        found = re.search(r'"([^"]+\.py)"', self.directives.get("script", ""))
        return (self.file.parent / found[1]).resolve() if found else None

    @property
    def environments(self) -> set[str]:
        """Names of the environments that the rule may run in; a constant is looked up in common.smk."""
        text = self.directives.get("conda", "")
        if constant := re.fullmatch(r"\s*(\w+)\s*", text):
            common = (ROOT / "workflow/rules/common.smk").read_text(encoding="utf-8")
            text = re.search(rf"^{constant[1]} = .*$", common, re.MULTILINE)[0]
        return set(re.findall(r"envs/([\w-]+)\.yaml", text))


def rules() -> list[Rule]:
    """Rules of all rules files. `use rule a as b with:` begins with the directives of a."""
    found: dict[str, Rule] = {}
    for file in RULES:
        rule, indent = None, ""
        for line in file.read_text(encoding="utf-8").splitlines():
            if head := re.match(r"( *)(?:rule|checkpoint) (\w+):", line):
                indent, rule = head[1], Rule(head[2], file)
                found[rule.name] = rule
            elif head := re.match(r"( *)use rule (\w+) as (\w+)", line):
                indent, rule = head[1], Rule(head[3], file, base=head[2])
                found[rule.name] = rule
            elif rule and (directive := re.match(rf"{indent}    (\w+):(.*)", line)):
                name = directive[1]
                rule.directives[name] = directive[2]
            elif rule and line.startswith(indent + " " * 5):
                rule.directives[name] += "\n" + line
            elif line.strip() and not line.startswith(indent + " "):
                rule = None
    for rule in found.values():
        if rule.base:
            rule.directives = found[rule.base].directives | rule.directives
    return list(found.values())
