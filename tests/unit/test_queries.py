"""Answers for genomes without a class."""

import json
import os
import runpy
from types import SimpleNamespace

import pandas as pd
import pytest

from checkout import SCRIPTS
from spikegeometry.config import query_name
from spikegeometry.evaluation.queries import COLUMNS, DEFINITIONS, NEAREST, answer_table, carriers, defining
from spikegeometry.report.query import SHOWN, query_page
from spikegeometry.tables import row_writer, write_parquet, write_tsv

CLASSES = ["alpha", "beta"]
HOSTILE = '<script>alert("x")</script>&\'"'

DEFINED = pd.DataFrame(
    [("beta", "del 2", 3, 4, "-"), ("beta", "K1Q", 1, 1, "C"), ("alpha", HOSTILE, 2, 2, "T")], columns=DEFINITIONS
)
REVERSIONS = pd.DataFrame(
    [("x", HOSTILE, 2, 0.5), ("x", "K1Q", 1, -0.25), ("x", "del 2", 2, 1.25)],
    columns=["accession", "mutation", "residue", "carried"],
)
ABOUT = {"classes": CLASSES, "cautions": [f"Beware of {HOSTILE}"], "sentences": ["It learnt.", HOSTILE]}


def predictions(*rows):
    columns = ["accession", "predicted", "p_alpha", "p_beta", "unknown", "score", "margin", "abstain"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def answers():
    predicted = predictions(
        ("x", "beta", 0.2, 0.8, 3, 5.5, 2.5, False), (HOSTILE, "alpha", 0.6, 0.4, 0, 1.5, -1.5, True)
    )
    genes = pd.DataFrame(
        {"coverage": [0.5, 1.0], "mutations": ["", "N501Y; del 69-70"], "projected": ["NNNNNN", "AC--GT"]},
        index=[HOSTILE, "x"],
    )
    rejected = [
        pd.DataFrame({"accession": ["short"], "class": [""], "reason": ["too_short"], "detail": ["4 bases."]}),
        pd.DataFrame({"accession": [], "class": [], "reason": [], "detail": []}),
    ]
    nearest = pd.DataFrame([("x", HOSTILE, "beta", 2, 5)], columns=["accession", *NEAREST])
    return answer_table(predicted, genes, rejected, CLASSES, DEFINED, nearest, REVERSIONS)


def test_one_row_for_each_record(answers):
    assert tuple(answers.columns) == COLUMNS
    assert answers["name"].tolist() == ["x", HOSTILE, "short"]
    assert answers.iloc[0].tolist() == [
        *("x", "beta", 0.8, "alpha", 0.2, "no", 5.5, 2.5),
        *(1.0, 3, "N501Y; del 69-70", "1 of 2, without K1Q", HOSTILE, "beta", 2, 5),
        *(f"del 2 +1.25; {HOSTILE} +0.50", "", ""),
    ]
    assert answers.iloc[1]["defining"] == f"0 of 1; not known: {HOSTILE}"
    assert answers.iloc[1][[*NEAREST, "carried_by"]].isna().all()
    assert answers.iloc[1][["class", "probability", "abstain", "gene_coverage", "reason"]].tolist() == [
        *("alpha", 0.6, "yes", 0.5, "abstain"),
    ]
    assert answers.iloc[2][["reason", "detail"]].tolist() == ["too_short", "4 bases."]
    assert answers.iloc[2][["class", "probability", "abstain"]].isna().all()


def test_page_counts_and_shows_names_as_text(answers):
    page = query_page(answers, REVERSIONS, "my <b>query</b>", "run", ABOUT, 2)
    assert "3 genomes were read: 1 have a class, from 1 the model abstains, 1 were rejected." in page
    assert page.count("<script>") == 1 and "<b>" not in page
    assert "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#x27;&quot;" in page
    assert "http" not in page
    assert "Beware of &lt;script&gt;" in page and "<p>It learnt.</p>" in page
    assert page.count("<svg") == 1 and "2 of 5 bases differ" in page


def test_which_mutations_of_a_class_are_there():
    of_beta = DEFINED[DEFINED["class"] == "beta"]
    assert defining("CA--GT", of_beta) == "2 of 2"
    assert defining("AA-NGT", of_beta) == "0 of 2, without K1Q; not known: del 2"
    assert defining("AA-AGT", of_beta) == "0 of 2, without del 2, K1Q"
    assert defining("CA--GT", DEFINED[:0]) == ""


def test_carriers_are_the_strongest_for_the_answer():
    rows = [("a", f"m{n}", n, value) for n, value in enumerate([0.1, -3.0, 0.0, 0.5, 0.4, 0.3, 0.2, 0.15])]
    found = carriers(pd.DataFrame(rows, columns=["accession", "mutation", "residue", "carried"]))
    assert found["a"] == "m3 +0.50; m4 +0.40; m5 +0.30; m6 +0.20; m7 +0.15"
    assert carriers(REVERSIONS[:0]).empty
    assert carriers(REVERSIONS.assign(carried=0.001)).empty


def test_page_of_many(answers):
    many = pd.concat([answers] * SHOWN, ignore_index=True)
    page = query_page(many, REVERSIONS, "many", "run", ABOUT, 2)
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
    (tmp_path / "about.json").write_text(json.dumps(ABOUT | {"definitions": []}), encoding="utf-8")
    write_tsv(REVERSIONS, tmp_path / "reversions.tsv")
    inputs = {name: tmp_path / f"{name}.parquet" for name in ("predictions", "spikes")}
    inputs |= {"about": tmp_path / "about.json", "reference": tmp_path / "genome.fasta"}
    inputs |= {"reversions": tmp_path / "reversions.tsv", "nearest": []}
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
    assert "It learnt." in (tmp_path / "answers.page").read_text(encoding="utf-8")
    assert answers["gene_coverage"].tolist() == pytest.approx([0.51, float("nan")], nan_ok=True)
