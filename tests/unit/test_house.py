"""Who may import whom, what each rule must say, and what may stand nowhere."""

import ast
import graphlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from checkout import (
    LIBRARY,
    ROOT,
    RULES_FILES,
    SCRIPTS,
    environments,
    imports,
    library_imports,
    library_modules,
    packages,
    reached,
    rules,
    script_of,
)
from spikegeometry.digest import all_modules, digest, module_path
from spikegeometry.schema import read_schema

FOUNDATION = {"errors", "cohorts", "config", "schema", "digest", "hub", "logs", "published", "streams", "tables"}
# For each wing, a folder: what else of the library it may import, and which outside packages.
WINGS = {
    "genomes": (FOUNDATION | {"sequences"}, {"numpy", "pandas", "pyarrow", "requests", "urllib3", "zstandard"}),
    "spikes": (FOUNDATION | {"genomes", "sequences"}, {"numpy", "pandas", "pyarrow", "pysam", "zstandard"}),
    "dataset": (FOUNDATION | {"sequences"}, {"numpy", "pandas", "pyarrow", "sklearn"}),
    "sequences": (set(), {"numpy"}),
    "stats": (FOUNDATION, {"numpy", "pandas", "scipy"}),
    "evaluation": (FOUNDATION | {"dataset", "sequences", "stats"}, {"numpy", "pandas", "pyarrow", "scipy", "sklearn"}),
    "model": (
        FOUNDATION | {"dataset"},
        {"accelerate", "numpy", "pandas", "pyarrow", "safetensors", "tokenizers", "torch", "transformers"},
    ),
    "geometry": ({"errors", "streams"}, {"captum", "numpy", "scipy", "sklearn", "torch", "umap"}),
    "analyses": (
        FOUNDATION | {"dataset", "evaluation", "genomes", "geometry", "model", "sequences", "spikes", "stats"},
        {"numpy", "pandas", "pyarrow", "scipy", "sklearn", "torch"},
    ),
    "figures": (FOUNDATION, {"PIL", "matplotlib", "numpy", "pandas"}),
    "report": (
        FOUNDATION | {"dataset", "figures", "sequences"},
        {"docutils", "jinja2", "numpy", "pandas", "plotly", "rocrate", "yaml"},
    ),
}
FOUNDATION_PACKAGES = {
    "config": {"jsonschema"},
    # Where a model is fetched from the hub, and nowhere else.
    "hub": {"httpx", "huggingface_hub"},
    "schema": {"jsonschema", "yaml"},
    "tables": {"numpy", "pandas", "pyarrow"},
}
FILES_AND_PROCESSES = {"csv", "io", "json", "os", "pathlib", "shutil", "subprocess", "sys", "tempfile"}

MODULES = library_modules()
SCRIPT_FILES = sorted(SCRIPTS.glob("*.py"))
PYTHON = [
    *MODULES.values(),
    *SCRIPT_FILES,
    *(path for folder in ("tests", "tools") for path in sorted((ROOT / folder).rglob("*.py"))),
]
ALL_RULES = rules()
ANALYSES = list(read_schema()["properties"]["analyses"]["properties"])
WITH_SCRIPT = {name: script_of(rule) for name, rule in ALL_RULES.items() if rule.script}
SUFFIXES = {"", ".ipynb", ".py", ".smk", ".yaml", ".yml", ".toml", ".md", ".rst", ".txt", ".tsv"}
PLACES = [
    ".ci",
    "config",
    "container",
    "envs",
    "examples",
    "resources",
    "tests",
    "tools",
    "workflow",
    "Makefile",
    "pyproject.toml",
]
TEXTS = [
    path
    for place in (
        *PLACES,
        "constraints.txt",
        *(path.name for name in ("requirements*.txt", "*.md") for path in ROOT.glob(name)),
    )
    for path in (ROOT / place, *sorted((ROOT / place).rglob("*")))
    if path.is_file() and path.suffix in SUFFIXES and path != Path(__file__).resolve()
    if not any(part.startswith(".") and part != ".ci" for part in path.relative_to(ROOT).parts)
]


def relative(path):
    return str(path.relative_to(ROOT))


def files(values):
    return pytest.mark.parametrize("path", values, ids=relative)


# Imports


def test_the_library_is_the_foundation_and_the_wings():
    assert {path.stem for path in LIBRARY.glob("*.py")} - {"__init__"} == FOUNDATION
    assert {path.parent.name for path in LIBRARY.glob("*/__init__.py")} == WINGS.keys()


@pytest.mark.parametrize("name", MODULES)
def test_import_arrows(name):
    wing = name.split(".")[0]
    if wing in FOUNDATION:
        allowed, outside = FOUNDATION, FOUNDATION_PACKAGES.get(name, set())
    else:
        allowed, outside = WINGS[wing]
        allowed = allowed | {wing}
    path = MODULES[name]
    assert {module.split(".")[0] for module in library_imports(path)} <= allowed
    assert packages(path) - sys.stdlib_module_names - {"spikegeometry"} <= outside


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("geometry.")])
def test_geometry_knows_nothing_of_files(name):
    assert not packages(MODULES[name]) & FILES_AND_PROCESSES


def test_imports_of_the_library_have_no_cycle():
    graphlib.TopologicalSorter({name: library_imports(path) for name, path in MODULES.items()}).prepare()


@files(PYTHON)
def test_imports_are_absolute_and_none_is_of_a_script(path):
    assert not [name for name in imports(path) if name.startswith(".")]
    assert not packages(path) & ({script.stem for script in SCRIPT_FILES} - sys.stdlib_module_names)


@files(MODULES.values())
def test_library_does_not_know_snakemake(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert "snakemake" not in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


@files(sorted(LIBRARY.rglob("__init__.py")))
def test_packages_re_export_nothing(path):
    assert packages(path) <= sys.stdlib_module_names


def imported_at_the_top(path):
    """Names that a file imports when it is read, and not inside of functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    froms = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return names | {f"{node.module}.{alias.name}" for node in froms for alias in node.names}


def test_snakemake_reads_the_workflow_with_its_own_packages():
    """What the rules import: the environments of the jobs, with all other packages, are made later."""
    text = (ROOT / "workflow/rules/common.smk").read_text(encoding="utf-8")
    waiting = re.findall(r"^from spikegeometry\.([\w.]+) import", text, re.MULTILINE)
    assert len(waiting) >= 5
    read, outside = set(), set()
    while waiting:
        name = waiting.pop()
        for found in imported_at_the_top(MODULES[name]) if name not in read else ():
            inside = found.removeprefix("spikegeometry.")
            if inside == found:
                outside.add(found.split(".")[0])
            else:
                waiting += {inside, inside.rpartition(".")[0]} & MODULES.keys()
        read.add(name)
    assert outside - sys.stdlib_module_names <= {"jsonschema", "yaml"}


# Rules and scripts


@pytest.mark.parametrize("name", ALL_RULES)
def test_rule_has_what_every_rule_has(name):
    rule = ALL_RULES[name]
    assert not rule.is_run, "a script can be tested, run: cannot"
    assert not rule.output or (rule.log and environments(name))
    assert environments(name) <= {path.stem for path in (ROOT / "envs").glob("*.yaml")}


@pytest.mark.parametrize("name", WITH_SCRIPT)
def test_rule_and_script_have_one_name(name):
    assert WITH_SCRIPT[name] == SCRIPTS / f"{name}.py"
    assert WITH_SCRIPT[name].is_file()


def asked_for(script):
    """What a script reads of its rule: pairs of a part (input, output, params) and a name in it."""
    parts, found = {}, set()
    tree = ast.parse(script.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            targets = node.targets[0].elts if isinstance(node.targets[0], ast.Tuple) else node.targets
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            parts |= {ast.unparse(target): ast.unparse(value) for target, value in zip(targets, values, strict=False)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            of = ast.unparse(node.value)
            of = parts.get(of, of)
            if of in ("snakemake.input", "snakemake.output", "snakemake.params"):
                found.add((of.removeprefix("snakemake."), node.attr))
    return found


@pytest.mark.parametrize("name", WITH_SCRIPT)
def test_rule_has_what_its_script_reads(name):
    asked = asked_for(WITH_SCRIPT[name])
    assert not [(part, key) for part, key in asked if not hasattr(getattr(ALL_RULES[name], part), key)]


def adapted(script):
    """Calls of `arguments_of_rule` in a script: the analysis, and the arguments that the script computes."""
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "arguments_of_rule":
            computed = {word.arg for word in node.keywords} - {None}
            yield ast.unparse(node.args[0]).partition(".")[0], computed


@pytest.mark.parametrize("name", [name for name, script in WITH_SCRIPT.items() if list(adapted(script))])
def test_rule_has_the_arguments_of_its_analysis(name):
    rule = ALL_RULES[name]
    given = {key for part in (rule.input, rule.params) for key, _ in part.items()} | {"study"}
    for analysis, computed in adapted(WITH_SCRIPT[name]):
        tree = ast.parse(MODULES[f"analyses.{analysis}"].read_text(encoding="utf-8"))
        (measure,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "measure")
        # What a script streams it unpacks from a dictionary.
        streamed = {"means", "add_tokens", "add_pairs"} if name == "attention_maps" else set()
        assert {one.arg for one in measure.args.args} - given - computed <= streamed


@pytest.mark.parametrize("name", WITH_SCRIPT)
def test_rule_reruns_with_the_library_behind_its_script(name):
    assert ALL_RULES[name].params.library(None) == digest(WITH_SCRIPT[name])


@pytest.mark.parametrize("name", WITH_SCRIPT)
def test_rule_says_which_number_is_whose(name):
    """Snakemake compares the values of params without their names."""
    params = dict(ALL_RULES[name].params.items())
    said = params["given_by_name"] + params.get("settings_by_name", "")
    numbers = [(key, value) for key, value in params.items() if isinstance(value, int | float)]
    assert not [one for one in numbers if repr(one) not in said]


@files(SCRIPT_FILES)
def test_modules_behind_a_script(path):
    """Those that its digest reads are those that another reading of the same text finds."""
    found = {module_path(module) for module in all_modules(path)}
    assert {file for file in found if file.name != "__init__.py"} == reached(path) - {path}


@files(SCRIPT_FILES)
def test_script_is_thin_and_belongs_to_a_rule(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60
    assert "configure_logging(snakemake.log[0])" in text
    assert path in WITH_SCRIPT.values()


def test_rules_files_are_short():
    assert all(len(path.read_text(encoding="utf-8").splitlines()) < 250 for path in RULES_FILES)


@pytest.mark.parametrize("name", ANALYSES)
def test_analysis_has_its_parts(name):
    parts = [
        *(LIBRARY / f"{wing}/{name}.py" for wing in ("analyses", "figures")),
        *(SCRIPTS / f"{script}.py" for script in (name, f"plot_{name}")),
        ROOT / f"workflow/rules/analyses/{name}.smk",
        ROOT / f"workflow/report/{name}.rst",
        ROOT / f"tests/unit/test_{name}.py",
    ]
    assert not [relative(part) for part in parts if not part.is_file()]
    assert {name, f"plot_{name}"} <= ALL_RULES.keys()


def test_rules_files_of_analyses_have_their_names():
    assert {path.stem for path in (ROOT / "workflow/rules/analyses").glob("*.smk")} == set(ANALYSES)


@files([path for path in SCRIPT_FILES if any(name.startswith("analyses.") for name in library_imports(path))])
def test_script_of_an_analysis_is_an_adapter(path):
    """It hands files to a function of the library; what it does not do can be called without Snakemake."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    own = (ast.FunctionDef, ast.Lambda, ast.For, ast.While, ast.comprehension)
    assert not [node for node in ast.walk(tree) if isinstance(node, own)]


@pytest.mark.parametrize("name", [name for name in MODULES if re.fullmatch(r"analyses\.\w+", name)])
def test_function_of_an_analysis_says_what_it_takes_and_gives(name):
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    for function in (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "measure"):
        said = ast.get_docstring(function)
        given = [one.arg for one in (*function.args.args, *function.args.kwonlyargs)]
        common = {"study", "confidence", "seed"}
        assert not [one for one in given if one not in common and not re.search(rf"\b{one}\b", said)]
        assert "Returns\n-------" in said


def public(path):
    """Public functions and classes of a module, and public methods of these, by name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.ClassDef)
    for node in (node for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")):
        yield node.name, node
        for method in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                yield f"{node.name}.{method.name}", method


@files(MODULES.values())
def test_public_functions_are_documented(path):
    """`help` says of each what it is for; of a method or property whose name and types say it, they may."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    assert not [name for name, node in public(path) if "." not in name and not ast.get_docstring(node)]


# What begins an entry of a docstring: names before a colon, at the beginning of a line or of a sentence.
ENTRY = re.compile(r"(?:^|\. |; )((?:`?\w+`?(?:, )?)+):(?= )", re.MULTILINE)


@files(MODULES.values())
def test_docstrings_name_arguments_that_exist(path):
    for name, node in public(path):
        said = ast.get_docstring(node) or ""
        if isinstance(node, ast.FunctionDef) and "Parameters\n------" in said:
            section = said.partition("Parameters\n----------\n")[2].partition("\n\n")[0]
            named = {one for entry in ENTRY.findall(section) for one in re.findall(r"\w+", entry)}
            exist = {one.arg for one in (*node.args.args, *node.args.kwonlyargs)}
            assert named <= exist, name


# What may stand nowhere


def test_nothing_is_pickled():
    for path in PYTHON:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                assert ast.unparse(node.func) not in {"torch.load", "torch.save", "joblib.load"}, path
                assert {"allow_pickle": "True"}.items().isdisjoint(
                    (word.arg, ast.unparse(word.value)) for word in node.keywords
                ), path


MACHINE = r"(?<![\w.])/(?:home|root|Users|work|opt|mnt|tmp)/\w"
REGISTRY = r"pypi\.org|pythonhosted\.|anaconda\.org|download\.pytorch\.|--(?:extra-)?index-url"


def test_no_machine_path_or_registry_host():
    for path in TEXTS:
        assert not re.findall(f"{MACHINE}|{REGISTRY}", path.read_text(encoding="utf-8")), path


# Skipped tests

SKIPS = {
    "test": "import pytest\n\n\ndef test_it():\n    pytest.skip({reason!r})\n",
    "module": "import pytest\n\npytest.skip({reason!r}, allow_module_level=True)\n",
}


@pytest.mark.parametrize(
    ("where", "reason", "fails"),
    [
        ("test", "no aligner", True),
        ("module", "no aligner", True),
        ("test", "needs the real genomes of ../shared/data", False),
        ("test", "needs a GPU", False),
    ],
)
def test_a_skip_fails_where_it_could_be_helped(tmp_path, where, reason, fails):
    (tmp_path / "conftest.py").write_bytes((ROOT / "tests/conftest.py").read_bytes())
    (tmp_path / "test_it.py").write_text(SKIPS[where].format(reason=reason), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", "test_it.py"]
    environment = os.environ | {"STRICT": "1"}
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (result.returncode != 0) == fails, result.stdout
    assert reason in result.stdout
