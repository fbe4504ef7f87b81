"""Where the genomes of a run come from and lie."""

import pytest

from spikegeometry.cohorts import Cohorts
from spikegeometry.config import load_config

SIMULATED = {"type": "simulate", "simulate": {}}
TABLE = {"type": "table", "table": {"sequences": "a.fasta", "labels": "a.tsv", "class_column": None}}
TABLE["table"] |= {"lineage_column": "pango"}


@pytest.fixture
def cohorts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "new.fasta").write_text(">x\nACGT\n")
    given = {"run": "r", "source": SIMULATED | {"background": SIMULATED}, "external": {"b": SIMULATED, "a": TABLE}}
    return Cohorts(load_config(given | {"query": "new.fasta"}))


def test_splits_and_their_folders(cohorts):
    assert cohorts.evaluated == ["validation", "test", "a", "b"]
    folders = {split: cohorts.prefix(split) for split in cohorts.splits}
    assert folders == {
        **dict.fromkeys(("train", "validation", "test"), ""),
        "a": "external/a/",
        "b": "external/b/",
        "background_train": "background/",
        "background_validation": "background/",
        "query.new": "queries/new/",
    }
    parts = {split: cohorts.part(split) for split in ("test", "background_train", "a", "query.new")}
    assert parts == {"test": "test", "background_train": "train", "a": None, "query.new": None}


@pytest.mark.parametrize(
    ("cohort", "key", "kind", "name"),
    [
        ("", "source", "simulate", "the run"),
        ("background/", "source.background", "simulate", "background"),
        ("external/a/", "external.a", "table", "a"),
        ("queries/new/", "queries.new", "query", "new"),
    ],
)
def test_sources(cohorts, cohort, key, kind, name):
    assert cohorts.key(cohort) == key
    assert cohorts.source(cohort)["type"] == kind
    assert cohorts.name(cohort) == name
    assert cohorts.title(cohort) == name + (" (simulated)" if kind == "simulate" else "")


def test_files_and_class_rules(cohorts):
    assert cohorts.files("external/a/")[:2] == ["a.tsv", "a.fasta"]
    assert cohorts.files("queries/new/") == ["new.fasta"]
    assert cohorts.class_rules("external/a/").keys() == {"rules", "aliases"}
    assert cohorts.class_rules("external/b/") is None


def test_a_query_that_was_changed_is_another(cohorts, tmp_path):
    before = cohorts.source("queries/new/")
    (tmp_path / "new.fasta").write_text(">x\nACGTT\n")
    assert cohorts.source("queries/new/") != before


def test_tables_of_cohorts_of_no_use_are_kept(cohorts, tmp_path):
    table = tmp_path / cohorts.unusable_table("external/a/")
    table.parent.mkdir(parents=True)
    table.write_text("rejected\n")
    cohorts.keep_unusable_tables()
    assert (tmp_path / "results/r/external/a/genomes/rejected.tsv").read_text() == "rejected\n"
    assert not (tmp_path / "results/r/genomes").exists()
