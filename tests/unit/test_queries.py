"""Answers for genomes without a class."""

import os
import runpy
from types import SimpleNamespace

import pandas as pd
import pytest

from checkout import SCRIPTS
from spikegeometry.config import query_name
from spikegeometry.evaluation.queries import COLUMNS, answer_table
from spikegeometry.report.query import SHOWN, query_page
from spikegeometry.tables import row_writer, write_parquet, write_tsv

CLASSES = ["alpha", "beta"]
HOSTILE = '<script>alert("x")</script>&\'"'


def predictions(*rows):
    columns = ["accession", "predicted", "p_alpha", "p_beta", "unknown", "score", "margin", "abstain"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def answers():
    predicted = predictions(
        ("x", "beta", 0.2, 0.8, 3, 5.5, 2.5, False), (HOSTILE, "alpha", 0.6, 0.4, 0, 1.5, -1.5, True)
    )
    genes = pd.DataFrame({"coverage": [0.5, 1.0], "mutations": ["", "N501Y; del 69-70"]}, index=[HOSTILE, "x"])
    rejected = [
        pd.DataFrame({"accession": ["short"], "class": [""], "reason": ["too_short"], "detail": ["4 bases."]}),
        pd.DataFrame({"accession": [], "class": [], "reason": [], "detail": []}),
    ]
    return answer_table(predicted, genes, rejected, CLASSES)


def test_one_row_for_each_record(answers):
    assert tuple(answers.columns) == COLUMNS
    assert answers["name"].tolist() == ["x", HOSTILE, "short"]
    assert answers.iloc[0].tolist() == [
        *("x", "beta", 0.8, "alpha", 0.2, "no", 5.5, 2.5),
        *(1.0, 3, "N501Y; del 69-70", "", ""),
    ]
    assert answers.iloc[1][["class", "probability", "abstain", "gene_coverage", "reason"]].tolist() == [
        *("alpha", 0.6, "yes", 0.5, "abstain"),
    ]
    assert answers.iloc[2][["reason", "detail"]].tolist() == ["too_short", "4 bases."]
    assert answers.iloc[2][["class", "probability", "abstain"]].isna().all()


def test_page_counts_and_shows_names_as_text(answers):
    page = query_page(answers, "my <b>query</b>", "run", CLASSES)
    assert "3 genomes were read: 1 have a class, from 1 the model abstains, 1 were rejected." in page
    assert page.count("<script>") == 1 and "<b>" not in page
    assert "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#x27;&quot;" in page
    assert "http" not in page


def test_page_of_many(answers):
    many = pd.concat([answers] * SHOWN, ignore_index=True)
    page = query_page(many, "many", "run", CLASSES)
    assert f"The first {SHOWN:,} of {3 * SHOWN:,}." in page and page.count("<tr>") == SHOWN + 2 + len(CLASSES)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("my.fasta", "my"),
        ("2021.12.01_run.fasta", "2021.12.01_run"),
        ("2021.12.02_run.fasta.gz", "2021.12.02_run"),
        ("/data/a b.fasta.xz", "a_b_c8687a08"),
        ("../x-1.fa", "x-1"),
        (".fasta", "_e3b0c442"),
    ],
)
def test_names_of_queries(tmp_path, path, name):
    assert query_name(path, tmp_path) == name


def test_two_files_never_share_a_folder(tmp_path):
    paths = ["run.fasta", "run.fa.gz", "other/run.fasta", str(tmp_path / "run.fasta")]
    names = []
    for path in paths:
        names.append(query_name(path, tmp_path))
        (tmp_path / names[-1]).mkdir()
        (tmp_path / names[-1] / "query.txt").write_text(os.path.abspath(path))
    assert names[0] == "run" and len(set(names)) == 4
    # The same files, in another order and by another way to them, have the folders that they had.
    assert [query_name(path, tmp_path) for path in reversed(paths)] == names[::-1]
    assert query_name(os.path.abspath("other/../run.fasta"), tmp_path) == "run"


def test_names_that_differ_in_a_letter_only_stay_apart():
    names = {query_name(f"{stem}.fa", "nowhere") for stem in ("ü", "ö", "a b", "a_b", "a:b", "..", "...")}
    assert len(names) == 7 and not any(set(name) <= {"."} or "/" in name for name in names)


def test_the_coverage_of_a_gene_is_the_share_that_is_known(tmp_path):
    """A gene whose symbols are N to 49% is covered as a whole and known by half."""
    write_parquet(predictions(("x", "beta", 0.2, 0.8, 3, 5.5, 2.5, False)), tmp_path / "predictions.parquet")
    spikes = pd.DataFrame(
        {"accession": ["x"], "n_fraction": [0.49], "covered_fraction": [1.0], "projected": ["ATGNNN"]}
    )
    write_parquet(spikes.assign(insertions="", deletions=""), tmp_path / "spikes.parquet")
    (tmp_path / "genome.fasta").write_text(">r\nCCATGGCTCC\n")
    with row_writer(tmp_path / "rejected.tsv", ("accession", "class", "reason", "detail")) as rows:
        rows.writerow(("a\rb", "", "empty", "The record holds no base."))
    tries = pd.DataFrame({"try": [1], "accuracy": 0.25, "baseline_accuracy": 1.0, "n": 8, "p": 0.01})
    write_tsv(tries.assign(learnt="no", chosen="yes"), tmp_path / "tries.tsv")
    inputs = {name: tmp_path / f"{name}.parquet" for name in ("predictions", "spikes")}
    inputs |= {"tries": tmp_path / "tries.tsv", "reference": tmp_path / "genome.fasta"}
    snakemake = SimpleNamespace(
        input=SimpleNamespace(**inputs, rejected=[tmp_path / "rejected.tsv"]),
        output=SimpleNamespace(**{name: tmp_path / f"answers.{name}" for name in ("table", "page", "query")}),
        params=SimpleNamespace(classes=CLASSES, run="x", query="/data/q.fasta", start=3, end=8),
        wildcards=SimpleNamespace(query="q"),
        log=[str(tmp_path / "log")],
    )
    runpy.run_path(str(SCRIPTS / "tabulate_query.py"), init_globals={"snakemake": snakemake})
    answers = pd.read_csv(tmp_path / "answers.table", sep="\t")
    assert answers["name"].tolist() == ["x", "a\rb"]
    assert "The network has not learnt the task" in (tmp_path / "answers.page").read_text(encoding="utf-8")
    assert answers["gene_coverage"].tolist() == pytest.approx([0.51, float("nan")], nan_ok=True)
