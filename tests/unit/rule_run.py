"""Run the script of a rule in this process, with the files and parameters that the rule gives it."""

import re
import runpy
from pathlib import Path
from types import SimpleNamespace

from checkout import ROOT, Rule, rules
from spikegeometry.config import RUN_VALUES, settings_of

# Of the run's own network, whose folder prefix is empty.
WILDCARDS = SimpleNamespace(network="")


class Named(SimpleNamespace):
    """Values by attribute and by name, as Snakemake's."""

    def __getitem__(self, name: str):
        return vars(self)[name]


def run_rule(name: str, results: Path, config: dict) -> dict[str, str]:
    """Run a rule on the files of a run in the folder `results`; returns the paths of its outputs by name.

    `config` is complete. The directives are read as Python, as Snakemake does, with the few names that analyses use.
    """
    rule = {rule.name: rule for rule in rules()}[name]
    names = {
        "config": config,
        "lookup": _lookup,
        "collect": _collect,
        "code_of": lambda _: None,
        "report": lambda path, **_: path,
        "directory": lambda path: path,
        "settings_of": settings_of,
        "RUN_VALUES": RUN_VALUES,
        "Path": Path,
        "ROOT": ROOT,
        "ANALYSES": list(config.get("analyses", {})),
        "MODELS": ["finetuned", *config["model"]["controls"]],
        "EXTERNAL": sorted(config["external"]),
        "DEFINITIONS": config.get("analyses", {}).get("attributions", {}).get("definitions") or [],
    }
    exec((ROOT / "workflow/rules/analyses.smk").read_text(encoding="utf-8"), names)
    values = {part: _evaluate(rule, part, names, results) for part in ("input", "output", "params")}
    for path in values["output"].values():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    named = {part: Named(**found) for part, found in values.items()}
    snakemake = SimpleNamespace(**named, threads=1, log=[str(results / "log.txt")])
    runpy.run_path(str(rule.script), init_globals={"snakemake": snakemake})
    return values["output"]


def _evaluate(rule: Rule, part: str, names: dict, results: Path) -> dict:
    found = eval(f"dict({rule.directives[part]})", dict(names))
    return {name: _placed(value, results) for name, value in found.items()}


def _placed(value, results: Path):
    """Pathvars as paths; other paths are from the checkout."""
    if isinstance(value, list):
        return [_placed(one, results) for one in value]
    if callable(value):
        return _placed(value(WILDCARDS), results)
    if isinstance(value, str) and re.match(r"<results>|resources/", value):
        return str(ROOT / value.replace("<results>", str(results)).replace("{network}", ""))
    return value


def _lookup(path: str, within: dict):
    for key in path.split("/"):
        within = within[key]
    return within


def _collect(pattern: str, **values: list[str]) -> list[str]:
    ((name, several),) = values.items()
    return [pattern.format(**{name: value}) for value in several]
