"""The profiles name the rules that the workflow has."""

import re

import yaml

from checkout import ROOT, rules

FOLDER = ROOT / "workflow/profiles"
TEXT = (FOLDER / "slurm/config.yaml").read_text(encoding="utf-8")
SLURM = yaml.safe_load(TEXT)
DEFAULT = yaml.safe_load((FOLDER / "default/config.yaml").read_text(encoding="utf-8"))
RULES = rules("cuda")


def test_rules_that_the_profile_names_exist():
    arrays = SLURM["slurm-array-jobs"].split(",")
    assert {*SLURM["groups"], *SLURM["set-resources"], *arrays} <= RULES.keys()


def test_every_figure_asks_for_little_and_shares_a_job():
    figures = {name for name in RULES if name.startswith("plot_")}
    assert {
        name for name, rule in RULES.items() if rule._group == "figures"
    }  # `group` is none in a local run == figures
    asked = {"runtime", "mem_mb"}
    assert {name for name, rule in RULES.items() if asked <= rule.resources.keys()} == figures


def test_arrays_are_of_shards_and_in_no_group():
    sharded = {name for name, rule in RULES.items() if any("{shard" in path for path in rule.output)}
    arrays = set(SLURM["slurm-array-jobs"].split(","))
    assert arrays == sharded - {"shard_genomes"}
    assert not arrays & SLURM["groups"].keys()


def test_partition_for_gpus_is_offered_to_every_rule_that_asks_for_one():
    block = TEXT[TEXT.index("  # pretrain: &gpu") : TEXT.index("\n# How often")]
    offered = yaml.safe_load(re.sub(r"^  # ", "", block, flags=re.MULTILINE))
    assert {ask["slurm_partition"] for ask in offered.values()} == {"gpu"}
    assert offered.keys() == {name for name, rule in RULES.items() if {"gpu"} <= rule.resources.keys()}


def test_default_profile_allows_one_gpu_job_at_a_time():
    assert DEFAULT["resources"] == {"gpu": 1}


def test_slurm_keeps_what_the_default_profile_says():
    common = DEFAULT.keys() - {"resources"}
    assert {key: SLURM[key] for key in common} == {key: DEFAULT[key] for key in common}


def test_documented_plugin_is_the_tested_one():
    pin = r"snakemake-executor-plugin-slurm==[\d.]+"
    places = [TEXT, *((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "requirements-dev.txt"))]
    assert len({re.search(pin, place)[0] for place in places}) == 1
