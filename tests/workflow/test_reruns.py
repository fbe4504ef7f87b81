"""What a change makes Snakemake run again: what hangs on it, and nothing else."""

import os
from contextlib import contextmanager

import pytest

from checkout import rules
from spikegeometry.digest import all_modules

RULES = {rule.name: rule for rule in rules()}
LIBRARY = "workflow/scripts/spikegeometry"


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


ONE_VALUE = {
    "cone_index": "{cone_index: {rogue_coordinates: 2}}",
    "attention_gates": "{attention_gates: {threshold: 0.4}}",
    "activation_distributions": "{activation_distributions: {outlier: 4}}",
    "attention_maps": "{attention_maps: {kappa: 20}}",
    "token_divergence": "{token_divergence: {shuffles: 2}}",
    "attention_entropy": "{attention_entropy: {mass: 0.8}}",
    "attention_domains": "{attention_domains: {threshold: 0.4}}",
    "attention_flow": "{attention_flow: {exact_sinks: 3}}",
    "subspace_directionality": "{subspace_directionality: {top: 4}}",
    "clustering": "{clustering: {perplexity: 20}}",
    "one_vs_all": "{one_vs_all: {steps: 20}}",
    "weight_statistics": "{weight_statistics: {rogue_z: 3}}",
    "singular_values": "{singular_values: {threshold: 0.01}}",
    "attention_positions": "{attention_positions: {matches: 7}}",
    "vector_norms": "{vector_norms: {layers: [2]}}",
    "attention_roles": "{attention_roles: {layers: [2]}}",
    "attention_shift": "{attention_shift: {layers: [2]}}",
    "context_similarity": "{context_similarity: {top: 0.02}}",
    "isotropy": "{isotropy: {points: 100}}",
    "token_accuracy": "{token_accuracy: {frequent: 40}}",
    "layer_probes": "{layer_probes: {evaluated_per_class: 50}}",
    "head_ablation": "{head_ablation: {steps: 5}}",
    "attributions": "{attributions: {steps: 8}}",
}


def made_anew(analysis):
    """The rules of an analysis, with its measurement of the replicate, and the table of findings if it has any."""
    of_replicate = {f"{analysis}_of_{whom}" for whom in ("replicate", "untrained")} & RULES.keys()
    findings = {"gather_findings"} if "findings=" in RULES[analysis].directives["output"] else set()
    return {analysis, f"plot_{analysis}"} | of_replicate | findings


@pytest.mark.parametrize("analysis", ONE_VALUE)
def test_config_value_of_one_analysis(finished, analysis):
    planned = finished.would_run("--config", f"analyses={ONE_VALUE[analysis]}")
    assert planned == {"all", "build_atlas"} | made_anew(analysis)


@pytest.mark.parametrize("analysis", ONE_VALUE)
def test_edit_of_one_geometry_module(finished, analysis):
    with edited(finished.folder / LIBRARY / "geometry" / f"{analysis}.py", "\n\nADDED = 1\n"):
        assert finished.would_run() == {"all", "build_atlas"} | made_anew(analysis)


@pytest.mark.parametrize("analysis", ONE_VALUE)
def test_edit_of_a_figure_draws_it_alone(finished, analysis):
    with edited(finished.folder / LIBRARY / "figures" / f"{analysis}.py", "\n\nADDED = 1\n"):
        assert finished.would_run() == {"all", f"plot_{analysis}"}


@pytest.mark.parametrize("analysis", ONE_VALUE)
def test_touch_of_a_script(finished, analysis):
    with edited(finished.folder / "workflow/scripts" / f"{analysis}.py", ""):
        assert finished.would_run() == {"all", "build_atlas"} | made_anew(analysis)


def test_module_that_analyses_share(finished):
    with edited(finished.folder / LIBRARY / "geometry/heads.py", "\n\nADDED = 1\n"):
        planned = finished.would_run()
    scripts = {name: finished.folder / f"workflow/scripts/{name}.py" for name in ONE_VALUE}
    users = {name for name, script in scripts.items() if "geometry.heads" in script.read_text(encoding="utf-8")}
    users |= {name for name in ONE_VALUE if "geometry.heads" in all_modules(f"geometry.{name}")}
    assert {"cone_index", "attention_gates"} <= users < ONE_VALUE.keys()
    assert planned == {"all", "build_atlas"}.union(*map(made_anew, users))


def test_figure_style_retrains_nothing(finished):
    with edited(finished.folder / LIBRARY / "figures/style.py", "\n\nADDED = 1\n"):
        planned = finished.would_run()
    assert planned and all(rule in ("all", "build_atlas") or rule.startswith("plot_") for rule in planned)


def test_batch_size_of_inference_leaves_the_model(finished):
    planned = finished.would_run("--config", "inference={batch_size: 2}")
    assert "predict_shard" in planned
    assert not planned & {"collect_genomes", "align", "pretrain", "finetune"}


def test_threshold_of_abstention_leaves_the_predictions_of_the_model(finished):
    planned = finished.would_run("--config", "evaluation={abstention: {keep: 0.5}}")
    assert planned == {
        "all",
        "fit_abstention",
        "finish_predictions",
        "evaluate_abstention",
        "plot_abstention",
        "gather_metrics",
        "write_front_page",
        "build_atlas",
    }


def test_edit_of_the_atlas_makes_it_alone(finished):
    with edited(finished.folder / "workflow/report/atlas/grid.js", "\n// ADDED\n"):
        assert finished.would_run() == {"all", "build_atlas"}
