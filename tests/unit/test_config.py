"""Validation of the configuration: defaults, short messages, relations between keys."""

import re
from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from spikegeometry.config import check_files, load_config, source_paths
from spikegeometry.errors import InputError
from spikegeometry.schema import key_table, read_schema

REPOSITORY = Path(__file__).resolve().parents[2]
GIVEN = {
    "run": "test",
    "data": "folder",
    "source": {"type": "simulate", "simulate": {"founders": "{data}/founders.fasta", "labels": "{data}/labels.tsv"}},
    "external": {"field": {"type": "table", "table": {"sequences": ["{data}/a.fasta"], "labels": "b.tsv"}}},
}


def given(**changes):
    return deepcopy(GIVEN) | changes


def test_defaults_are_filled_at_every_depth():
    config = load_config(given())
    assert config["seed"] == 42
    assert config["model"]["architecture"]["layers"] == 12
    assert config["analyses"]["attention_gates"]["names"]["vertical"] == "directional gate"
    assert config["external"]["field"]["table"]["name_column"] == "name"


def test_given_values_stand_and_the_argument_is_left_alone():
    before = given(seed=0, dataset={"stride": 3})
    config = load_config(before)
    assert (config["seed"], config["dataset"]["stride"], config["dataset"]["k"]) == (0, 3, 12)
    assert before == given(seed=0, dataset={"stride": 3})


def test_text_is_read_as_what_its_key_holds():
    config = load_config(
        given(
            seed="7",
            split={"test": "0.3"},
            model={"finetune": {"learning_rate": "1e-5"}},
            analyses={"cone_index": {"layers": ["2"], "activate": "false"}},
            run="12",
        )
    )
    assert (config["seed"], config["split"]["test"], config["model"]["finetune"]["learning_rate"]) == (7, 0.3, 1e-5)
    assert (config["analyses"]["cone_index"]["layers"], config["analyses"]["cone_index"]["activate"]) == ([2], False)
    assert config["run"] == "12"


def test_numbers_are_read_as_the_text_that_they_are_meant_as():
    """Names of classes, sets and runs may be numbers."""
    text = """
        run: 20211201
        classes: [1, 2, alpha]
        source: {type: table, table: {sequences: {1: a.fasta, 2: b.fasta, alpha: c.fasta}}}
        external:
          2022: {type: table, table: {sequences: [a.fasta], labels: b.csv, class_column: 3, classes: {1: 2, 2: alpha}}}
          2022-01-31: {type: simulate}
    """
    config = load_config(yaml.safe_load(text))
    assert (config["run"], config["classes"], config["seed"]) == ("20211201", ["1", "2", "alpha"], 42)
    assert list(config["source"]["table"]["sequences"]) == ["1", "2", "alpha"]
    assert list(config["external"]) == ["2022", "2022-01-31"]
    table = config["external"]["2022"]["table"]
    assert (table["class_column"], table["classes"]) == ("3", {"1": "2", "2": "alpha"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("external: {no: {type: simulate}}", "A name in the configuration is read as false"),
        ("external: {1.10: {type: simulate}}", "A name in the configuration is read as 1.1"),
        ("external: {null: {type: simulate}}", "A name in the configuration is read as null"),
        ("external: {1: {type: simulate}, '1': {type: simulate}}", "A name stands twice"),
        ("classes: [alpha, no]", "Config key classes.1: false is not allowed"),
        ("source: {type: table, table: {sequences: a, labels: b, country_column: no}}", "country_column: false is not"),
    ],
)
def test_names_that_yaml_reads_as_something_else(text, words):
    with pytest.raises(InputError, match=words) as caught:
        load_config(given(**yaml.safe_load(text)))
    lines = str(caught.value).splitlines()
    assert len(lines) == 2 and "put it in quotes" in lines[1]


def test_dates_are_read_as_text():
    nextstrain = yaml.safe_load("{date_from: 2021-06-01, date_to: '2021-07'}")
    source = load_config(given(source={"type": "nextstrain", "nextstrain": nextstrain}))["source"]["nextstrain"]
    assert (source["date_from"], source["date_to"]) == ("2021-06-01", "2021-07")


def test_a_source_keeps_its_own_block_with_whole_paths():
    source = given()["source"] | {"table": {"sequences": "x.fasta", "labels": "x.tsv"}}
    config = load_config(given(source=source))
    assert set(config["source"]) == {"type", "simulate", "background"} and config["source"]["background"] is None
    assert source_paths(config["source"], config) == {
        "simulate.founders": "folder/founders.fasta",
        "simulate.labels": "folder/labels.tsv",
        "reference.fasta": "resources/NC_045512.2.fasta",
    }
    assert source_paths(config["external"]["field"], config) == {
        "table.sequences.0": "folder/a.fasta",
        "table.labels": "b.tsv",
    }


def test_a_table_without_classes_reads_the_class_rules():
    table = {"sequences": "a.fasta", "labels": "b.tsv", "class_column": None, "lineage_column": "pango"}
    config = load_config(given(source={"type": "table", "table": table}))
    assert source_paths(config["source"], config) == {
        "table.sequences.0": "a.fasta",
        "table.labels": "b.tsv",
        "class_rules.rules": "resources/class_rules.tsv",
        "class_rules.aliases": "resources/pango_aliases.json",
    }
    table["lineage_column"] = None
    with pytest.raises(InputError, match="source.table.class_column: without it nothing gives classes"):
        load_config(given(source={"type": "table", "table": table}))


@pytest.mark.parametrize(
    ("changes", "first", "second"),
    [
        ({"sed": 1}, "Config key sed is unknown. Did you mean seed?", "Allowed here: "),
        ({"seed": -1}, "Config key seed: -1 is not allowed.", "Allowed: integer, at least 0."),
        ({"model": {"finetune": {"learning_rate": "fast"}}}, "learning_rate: fast is not allowed.", "Allowed: number"),
        ({"run": "a/b"}, "Config key run: 'a/b' is not allowed as a name.", "It must match"),
        ({"classes": ["alpha", "other"]}, "Config key classes.1: 'other'", "It must match anything but all, other."),
        ({"external": {"test": {"type": "simulate"}}}, "Config key external: 'test'", "It must match"),
        ({"source": {}}, "Config key source.type is missing.", "Kind of source"),
        ({"source": {"type": "table"}}, "Config key source: the type is table but", "Add source.table."),
        ({"alignment": {"tile_length": 100, "tile_overlap": 50}}, "alignment.tile_overlap: tiles overlap", "Give less"),
        ({"reference": {"start": 100, "end": 105}}, "reference.end: 105 leaves no k-mer", "Give the gene"),
        ({"cleaning": {"min_length": 50000}}, "cleaning.min_length: it is more than", "No genome could pass"),
        ({"split": {"test": 0.5, "validation": 0.5}}, "split.test: with split.validation", "Keep their sum"),
        ({"model": {"architecture": {"heads": 7}}}, "7 heads do not divide hidden_size = 768", "Choose a divisor."),
        ({"model": {"gpus": 3}}, "model.pretrain.batch_size: 8 is no multiple of model.gpus = 3", "Give one that is."),
        ({"analyses": {"cone_index": {"heads": [13]}}}, "analyses.cone_index.heads: 13", "heads 1 to 12"),
        ({"analyses": {"cone_index": {"classes": ["x"]}}}, "analyses.cone_index.classes: no class x", "Classes: alpha"),
    ],
)
def test_a_violation_is_told_in_two_lines(changes, first, second):
    with pytest.raises(InputError) as caught:
        load_config(given(**changes))
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert first in lines[0] and second in lines[1]


def test_a_missing_file_is_named_with_its_key(tmp_path):
    with pytest.raises(InputError, match=r"Config key reference.fasta: no file nowhere.fasta"):
        check_files(load_config(given(reference={"fasta": "nowhere.fasta"})))
    with pytest.raises(InputError, match=r"Config key container: no file nowhere.sif"):
        check_files(load_config(given(container="nowhere.sif")))
    with pytest.raises(InputError, match="container"):
        load_config(given(container="docker://image with blanks"))
    for image in ("docker://debian:trixie-slim", str(tmp_path)):  # a folder can be an image
        with pytest.raises(InputError, match="no file folder/founders"):
            check_files(load_config(given(container=image)))


@pytest.mark.parametrize("path", sorted((REPOSITORY / "config").glob("*.yaml")), ids=lambda path: path.name)
def test_shipped_configurations_are_valid(path):
    load_config(yaml.safe_load(path.read_text(encoding="utf-8")))


def test_examples_of_the_readme_are_valid():
    blocks = re.findall(r"```yaml\n(\w.*?)```", (REPOSITORY / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    examples = [yaml.safe_load(block) for block in blocks]
    for example in examples:
        load_config(given(**example))
    kinds = {example["source"]["type"] for example in examples if "source" in example}
    assert kinds == {"table", "gisaid", "ena", "nextstrain", "auspice"}


def test_config_readme_holds_the_generated_table():
    assert key_table(read_schema()) in (REPOSITORY / "config/README.md").read_text(encoding="utf-8")


def test_a_replicate_is_a_control():
    with pytest.raises(InputError, match=r"model\.replicates: seed2 is no control"):
        load_config(given(model={"controls": ["random"], "replicates": ["random", "seed2"]}))
    load_config(given(model={"controls": ["random", "seed2"], "replicates": ["seed2"]}))


@pytest.mark.parametrize("base", ["./nowhere", "/nowhere/at/all", "a/b/c", "here/mistyped"])
def test_a_mistyped_base_is_found_before_any_work(tmp_path, monkeypatch, base):
    (tmp_path / "here" / "model").mkdir(parents=True)
    (tmp_path / "here/model/config.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=rf"Config key model\.base: no config\.json in {base}"):
        check_files(load_config(given(model={"base": base})))
    for fine in ("here/model", "bert-base-cased", "org/name"):
        with pytest.raises(InputError, match="Config key source"):  # the next that is not there
            check_files(load_config(given(model={"base": fine})))
