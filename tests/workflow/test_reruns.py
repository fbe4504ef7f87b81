"""What a change makes Snakemake run again: what depends on it, and nothing else.

Analyses are changed in groups, so that few dry runs suffice. Each analysis is in three of seven groups, no two in the
same three. Hence of two analyses each is once changed without the other: what is planned for all groups as expected is
planned for every analysis alone; but for the atlas, the captions and the table of findings, which gather them all.
"""

import json
import os
from contextlib import ExitStack, contextmanager
from itertools import combinations

import pytest
import yaml

from checkout import ROOT, SCRIPTS, rules
from spikegeometry.config import load_config
from spikegeometry.digest import all_modules
from spikegeometry.schema import read_schema

RULES = rules()
LIBRARY = "workflow/scripts/spikegeometry"
# Of whatever is made anew: what really ran is written after it.
LAST = {"all", "write_provenance"}


@contextmanager
def edited(path, text):
    """Append `text` to a file, and put back its bytes and its time of change afterwards."""
    before, times = path.read_bytes(), path.stat()
    path.write_bytes(before + text.encode())
    try:
        yield
    finally:
        path.write_bytes(before)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_nothing_to_do_after_a_run(finished):
    assert finished.would_run() == set()


SCHEMA = read_schema()["properties"]["analyses"]["properties"]
TINY = load_config(yaml.safe_load((ROOT / "tests/data/tiny.yaml").read_text(encoding="utf-8")))["analyses"]


def settings_of_its_own(analysis):
    """Settings that the rule of an analysis reads, and no rule before it that writes into the same folder."""
    before = [rule for name, rule in RULES.items() if name not in (analysis, f"plot_{analysis}")]
    before = [rule for rule in before if any(f"}}geometry/{analysis}/" in path for path in rule.output)]
    read = {key for rule in before for key, _ in rule.params.items()}
    return [key for key in SCHEMA[analysis]["properties"] if hasattr(RULES[analysis].params, key) and key not in read]


def one_value(analysis):
    """Another value of the first setting of an analysis that is a number, or else of its layers."""
    for key in settings_of_its_own(analysis):
        setting, value = SCHEMA[analysis]["properties"][key], TINY[analysis][key]
        if setting.get("type") == "integer":
            return {key: value - 1 if value > max(1, setting.get("minimum", 0)) else value + 1}
        if setting.get("type") == "number":
            return {key: 0.9 * value}
    return {"layers": [2]}


ONE_VALUE = {analysis: one_value(analysis) for analysis in SCHEMA}
WITH_GEOMETRY = [name for name in ONE_VALUE if (SCRIPTS / f"spikegeometry/geometry/{name}.py").is_file()]
NUMBERS = range(7)
IN_GROUPS = dict(zip(ONE_VALUE, combinations(NUMBERS, 3), strict=False))
GROUPS = [[name for name, numbers in IN_GROUPS.items() if number in numbers] for number in NUMBERS]


# Analyses that read what another one has measured, and those that use its mathematics.
READERS = {"attributions": ["mutation_patching"]}
ALONG_THE_TRAINING = [
    "attention_entropy",
    "attention_roles",
    "clustering",
    "isotropy",
    "layer_probes",
    "subspace_directionality",
]
USERS = {"head_ablation": ["mutation_patching"]} | dict.fromkeys(ALONG_THE_TRAINING, ["training_trajectory"])
# The rule that reads the network for an analysis, where it is not that of the analysis.
FIRST = {"training_trajectory": "measure_snapshots"}


def made_anew(analysis):
    """The rules of an analysis and of its readers, and the table of findings and the first page if it has any."""
    has_findings = hasattr(RULES[analysis].output, "findings")
    own = {analysis, f"plot_{analysis}"} | ({"gather_findings", "write_front_page"} if has_findings else set())
    return own.union(*map(made_anew, READERS.get(analysis, [])))


def all_made_anew(group):
    return {*LAST, "build_atlas", "write_captions"}.union(*map(made_anew, group))


def explained(group):
    """Single sequences are explained by the mathematics of the analysis."""
    return {"explain_examples"} if "attributions" in group else set()


def read_anew(group):
    """The rules that read the network before the analyses of the group."""
    return {FIRST[name] for name in group if name in FIRST}


@contextmanager
def all_edited(paths, text):
    with ExitStack() as stack:
        for path in paths:
            stack.enter_context(edited(path, text))
        yield


def test_each_analysis_is_changed_without_each_other():
    assert IN_GROUPS.keys() == ONE_VALUE.keys()
    for one in ONE_VALUE:
        assert all(any(one in group and other not in group for group in GROUPS) for other in ONE_VALUE if other != one)


@pytest.mark.parametrize("group", GROUPS, ids=NUMBERS)
def test_config_value_of_one_analysis(finished, group):
    values = json.dumps({name: ONE_VALUE[name] for name in group})
    assert finished.would_run("--config", f"analyses={values}") == all_made_anew(group)


def test_single_sequences_are_explained_by_the_settings_of_attributions(finished):
    planned = finished.would_run("--config", "analyses={attributions: {steps: 3}}")
    assert planned == all_made_anew(["attributions"]) | {"explain_examples"}


@pytest.mark.parametrize("group", GROUPS, ids=NUMBERS)
def test_edit_of_one_geometry_module(finished, group):
    group = [name for name in group if name in WITH_GEOMETRY]
    users = {other for name in group for other in USERS.get(name, [])}
    with all_edited([finished.folder / LIBRARY / f"geometry/{name}.py" for name in group], "\n\nADDED = 1\n"):
        assert finished.would_run() == all_made_anew({*group, *users}) | explained(group) | read_anew(users)


@pytest.mark.parametrize("group", GROUPS, ids=NUMBERS)
def test_edit_of_a_figure_draws_it_alone(finished, group):
    with all_edited([finished.folder / LIBRARY / f"figures/{name}.py" for name in group], "\n\nADDED = 1\n"):
        assert finished.would_run() == {*LAST, *(f"plot_{name}" for name in group)}


@pytest.mark.parametrize("group", GROUPS[:2], ids=NUMBERS[:2])
def test_edit_of_the_script_of_a_figure(finished, group):
    with all_edited([finished.folder / f"workflow/scripts/plot_{name}.py" for name in group], "\n# ADDED\n"):
        assert finished.would_run() == {*LAST, *(f"plot_{name}" for name in group)}


@pytest.mark.parametrize("group", GROUPS, ids=NUMBERS)
def test_touch_of_a_script(finished, group):
    with all_edited([finished.folder / f"workflow/scripts/{name}.py" for name in group], ""):
        assert finished.would_run() == all_made_anew(group)


def test_module_that_analyses_share(finished):
    with edited(finished.folder / LIBRARY / "geometry/heads.py", "\n\nADDED = 1\n"):
        planned = finished.would_run()
    scripts = {name: SCRIPTS / f"{FIRST.get(name, name)}.py" for name in ONE_VALUE}
    users = {name for name, script in scripts.items() if "geometry.heads" in all_modules(script)}
    assert {"cone_index", "attention_gates", "training_trajectory"} <= users < ONE_VALUE.keys()
    assert planned == all_made_anew(users) | explained(users) | read_anew(users)


def test_figure_style_retrains_nothing(finished):
    with edited(finished.folder / LIBRARY / "figures/style.py", "\n\nADDED = 1\n"):
        planned = finished.would_run()
    # Texts and pages call the models as the figures do.
    texts = {*LAST, "build_atlas", "describe_model", "write_captions", "write_front_page", "write_model_card"}
    assert texts < planned and all(rule in texts or rule.startswith("plot_") for rule in planned)


def test_batch_size_of_inference_leaves_the_model(finished):
    planned = finished.would_run("--config", "inference={batch_size: 2}")
    assert "predict_shard" in planned
    assert not planned & {"collect_genomes", "align", "pretrain", "finetune"}


def test_threshold_of_abstention_leaves_the_predictions_of_the_model(finished):
    planned = finished.would_run("--config", "evaluation={abstention: {keep: 0.5}}")
    assert planned == {
        *LAST,
        "fit_abstention",
        "finish_predictions",
        "evaluate_abstention",
        "plot_abstention",
        "gather_metrics",
        "describe_model",
        "write_model_card",
        "write_front_page",
        "write_captions",
        "explain_examples",
        "build_atlas",
    }


@pytest.mark.parametrize(("count", "explaining"), [(1, {"explain_examples"}), (0, set())])
def test_number_of_single_sequences(finished, count, explaining):
    planned = finished.would_run("--config", f"atlas={{sequences_per_class: {count}}}")
    assert planned == {*LAST, "build_atlas", "write_captions"} | explaining


def test_edit_of_a_caption_writes_them_alone(finished):
    with edited(finished.folder / "workflow/report/cone_index.rst", "\nMore.\n"):
        assert finished.would_run() == {*LAST, "write_captions"}


def test_edit_of_the_atlas_makes_it_alone(finished):
    with edited(finished.folder / "workflow/report/atlas/grid.js", "\n// ADDED\n"):
        assert finished.would_run() == {*LAST, "build_atlas"}


# The second swaps two numbers: the set of values stays the same.
@pytest.mark.parametrize("settings", ["points: 100", "evaluated_per_class: 5, neighbours: 6"])
def test_sample_of_the_snapshots_trains_nothing(finished, settings):
    planned = finished.would_run("--config", f"analyses={{training_trajectory: {{{settings}}}}}")
    assert planned == all_made_anew(["training_trajectory"]) | read_anew(["training_trajectory"])
