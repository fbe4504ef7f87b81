"""Finished runs side by side: copies of the tiny run, in a checkout that has no genome and no activation of them."""

import hashlib
import shutil
from pathlib import Path

import pandas as pd
import pytest

from copied import copy_tree
from spikegeometry.report.cells import select
from spikegeometry.report.runs import address, described
from spikegeometry.tables import read_tsv

HEAVY = shutil.ignore_patterns("activations", "alignment", "checkpoints", "*.npz", "*.npy", "*.safetensors", "*.png")
NAMES = ["tiny", "other run & 'more'"]


def contents(folder: Path) -> dict[Path, tuple[int, str]]:
    """Time of change and digest of each file in a folder."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path: (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest()) for path in files}


@pytest.fixture(scope="module")
def elsewhere(finished, tmp_path_factory):
    """Another checkout with two copies of the tiny run; the second lacks an analysis, and has another first answer."""
    copy = copy_tree(tmp_path_factory.mktemp("elsewhere"))
    for name in NAMES:
        shutil.copytree(finished.folder / "results/tiny", copy.folder / "results" / name, ignore=HEAVY)
    other = copy.folder / "results" / NAMES[1]
    (other / "geometry/cone_index.tsv").unlink()
    path = other / "predictions/finetuned/test.parquet"
    table = pd.read_parquet(path)
    wrong = next(name for name in table["class"] if name != table.loc[0, "class"])
    table.loc[0, "predicted"] = wrong if table.loc[0, "correct"] else table.loc[0, "class"]
    table.to_parquet(path)
    return copy


def test_two_runs_side_by_side(elsewhere):
    results = elsewhere.folder / "results"
    before = {name: contents(results / name) for name in NAMES}
    names = f'["{NAMES[1]}", tiny]'
    result = elsewhere.snakemake("compare", "--config", f"runs={names}", "explained=0")
    assert result.returncode == 0, (result.stdout + result.stderr)[-5000:]
    assert {name: contents(results / name) for name in NAMES} == before
    assert elsewhere.would_run("compare", "--config", f"runs={names}", "explained=0") == set()
    (folder,) = (results / "comparisons").iterdir()
    table = read_tsv(folder / "comparison.tsv")
    # The configurations are the same.
    assert table["part"].drop_duplicates().tolist() == [
        *("missing", "cautions", "data", "metrics", "analyses", "findings", "layers", "differences"),
    ]
    assert table[table["part"] == "missing"][["run", "text"]].to_numpy().tolist() == [[NAMES[1], "analysis cone_index"]]
    tests = table[table["p"].notna()]
    known = pd.read_parquet(results / "tiny/predictions/finetuned/test.parquet")
    assert set(tests["set"]) == {"test", "again"} and (tests["p"] == 1).all()
    # One answer of the split is right in one run and wrong in the other.
    changed = tests[(tests["set"] == "test") & (tests["model"] == "bert")]["value"].item()
    assert changed == pytest.approx((1 - 2 * known.loc[0, "correct"]) / len(known), rel=1e-4)
    assert tests["value"].ne(0).sum() == 1
    page = (folder / "comparison.html").read_text(encoding="utf-8")
    assert "other run &amp; &#x27;more&#x27;</b> lacks: analysis cone_index." in page
    assert page.count("The network has not learnt the task") == 2
    assert "outgroup" in page and "none of the" in page


def test_every_statistic_that_the_atlas_shows_is_drawn(elsewhere):
    """What pages describe is found among the rows by its labels, where the tables of the run have it."""
    results = elsewhere.folder / "results"
    (folder,) = (results / "comparisons").iterdir()
    table = read_tsv(folder / "comparison.tsv")
    rows = table[(table["part"] == "layers") & (table["run"] == "tiny")]
    there = set(rows[["analysis", "statistic", "labels"]].itertuples(index=False, name=None))
    tables = {path.stem: read_tsv(path) for path in (results / "tiny/geometry").glob("*.tsv")}
    layer = {name: "layer" if "layer" in of else "block" for name, of in tables.items()}
    wanted = {
        address(one)
        for one in described(tables)
        if select(tables[one.analysis], one.where).get(layer[one.analysis], pd.Series()).notna().any()
    }
    assert len(wanted) > 60 and not wanted - there


@pytest.mark.parametrize(
    ("runs", "wrong"),
    [
        ("[tiny]", "a comparison needs two runs or more"),
        ("[]", "a comparison needs two runs or more"),
        ("[tiny, tiny]", "the run tiny is named twice"),
        ("[tiny, comparisons]", "the run comparisons is not finished (no atlas.html)"),
        ("[tiny, absent]", "there is no run absent"),
    ],
)
def test_runs_that_cannot_be_compared(elsewhere, runs, wrong):
    (elsewhere.folder / "results/comparisons").mkdir(exist_ok=True)
    result = elsewhere.snakemake("compare", "--config", f"runs={runs}")
    assert result.returncode == 1
    said = f"Config key runs: {wrong}. Finished runs in results: {', '.join(sorted(NAMES))}."
    assert said in result.stdout + result.stderr


def test_no_rule_of_a_run_is_there(elsewhere):
    listed = elsewhere.snakemake("--list-rules", "--config", f'runs=[tiny, "{NAMES[1]}"]')
    assert {line.split()[0] for line in listed.stdout.splitlines() if line} >= {"all", "compare", "compare_runs"}
    assert "collect_genomes" not in listed.stdout
