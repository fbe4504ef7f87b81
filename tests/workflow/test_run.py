"""The tiny run: what goes in comes out, another run gives the same, and the report builds."""

import json
import os
import platform
import shutil
import subprocess

import pandas as pd
import pytest
import torch
from playwright.sync_api import sync_playwright

from copied import ODD_NAMES, copy_tree
from crates import faults
from small_disk import MountedDisk
from spikegeometry.published import file_digest
from spikegeometry.tables import read_tsv

CLASSES = ["alpha", "beta", "gamma", "delta", "lambda", "mu", "omicron", "gh"]
COHORTS = {"": 8 * len(CLASSES), "external/again/": 2 * len(CLASSES), "external/outgroup/": 4, "background/": 12}


@pytest.fixture(scope="module")
def results(finished):
    return finished.folder / "results/tiny"


@pytest.mark.parametrize("cohort", COHORTS)
def test_no_record_is_lost_between_source_and_spikes(results, cohort):
    accepted = read_tsv(results / cohort / "genomes/accepted.tsv")
    assert len(accepted) + len(read_tsv(results / cohort / "genomes/rejected.tsv")) == COHORTS[cohort]
    spikes = pd.read_parquet(results / cohort / "spikes/spikes.parquet")
    rejected = read_tsv(results / cohort / "spikes/rejected.tsv")
    assert sorted([*spikes["accession"], *rejected["accession"]]) == sorted(accepted["accession"])


def test_names_that_look_like_numbers_stay_names(results):
    accepted = read_tsv(results / "genomes/accepted.tsv")
    assert set(ODD_NAMES) <= set(accepted["accession"])
    assert {"NA", "007"} <= set(accepted["country"]) and {"NA", "1e5"} <= set(accepted["lineage"])
    splits = pd.read_parquet(results / "dataset/splits.parquet")
    assert set(splits["accession"]) <= set(accepted["accession"])
    of_test = sorted(splits.loc[splits["split"] == "test", "accession"])
    page = (results / "atlas.html").read_text(encoding="utf-8")
    atlas = json.loads(page.split('id="atlas">')[1].split("</script>")[0])
    assert sorted(atlas["predictions"]["columns"]["accession"]) == of_test


def test_each_spike_is_predicted_once_in_its_split(results):
    splits = pd.read_parquet(results / "dataset/splits.parquet")
    for split, members in splits.groupby("split"):
        predictions = pd.read_parquet(results / f"predictions/{split}.parquet")
        assert sorted(predictions["accession"]) == sorted(members["accession"])
        assert predictions[[f"p_{name}" for name in CLASSES]].sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-5)


def test_predictions_abstain_where_the_score_is_under_the_threshold_of_the_class(results):
    rule = json.loads((results / "model/abstention.json").read_text(encoding="utf-8"))
    thresholds = dict(zip(rule["classes"], rule["thresholds"], strict=True))
    for split in ("train", "validation", "test", "again", "outgroup"):
        predictions = pd.read_parquet(results / f"predictions/{split}.parquet")
        margin = predictions["score"] - predictions["predicted"].map(thresholds)
        assert predictions["margin"].to_numpy() == pytest.approx(margin.to_numpy())
        assert (predictions["abstain"] == (margin < 0)).all()


def test_background_is_in_training_and_validation_and_nowhere_else(results):
    splits = pd.read_parquet(results / "background/dataset/splits.parquet")
    assert set(splits["split"]) == {"train", "validation"} and set(splits["class"]) == {"other"}
    assert set(read_tsv(results / "evaluation/metrics.tsv")["set"]) == {"validation", "test", "again", "outgroup"}


def test_a_network_that_has_not_learnt_is_said_to_on_each_first_page(results):
    """Two epochs teach so small a network nothing: both tries are in the table, and three pages say so."""
    tries = read_tsv(results / "model/tries/finetuned.tsv")
    assert tries["learnt"].tolist() == ["no", "no"] and (tries["chosen"] == "yes").sum() == 1
    for page in ("front.rst", "atlas.html"):
        assert "The network has not learnt the task" in (results / page).read_text(encoding="utf-8")


def test_every_model_stands_in_the_table_of_metrics(results):
    metrics = read_tsv(results / "evaluation/metrics.tsv")
    accuracy = metrics[metrics["metric"] == "accuracy"].set_index(["set", "model"])["value"]
    models = ["bert", "random", "majority", "kmer_logistic", "nearest_neighbour"]
    assert {(name, model) for name in ("test", "again") for model in models} <= set(accuracy.index)
    # Classes are of equal size, hence the majority class is right once in eight.
    assert accuracy["again", "majority"] == pytest.approx(1 / 8)
    assert accuracy["test", "kmer_logistic"] > 0.9


def test_geometry_is_measured_for_every_layer_head_and_class(results):
    gates = read_tsv(results / "geometry/attention_gates.tsv")
    assert set(gates["layer"]) == {1, 2} and set(gates["head"]) == {1, 2}
    assert set(CLASSES) <= set(gates["class"])
    cone = read_tsv(results / "geometry/cone_index.tsv")
    assert cone.loc[cone["statistic"] == "R", "value"].between(0, 1 + 1e-6).all()


@pytest.fixture
def disks(tmp_path):
    """A disk without room and one with it; where none can be mounted, a folder that is not there and one that is."""
    mounted = []
    try:
        mounted.append(MountedDisk(tmp_path / "full"))
        mounted.append(MountedDisk(tmp_path / "other", 1000))
        mounted[0].fill(0)
        yield [disk.folder for disk in mounted]
    except (subprocess.CalledProcessError, FileNotFoundError):
        (tmp_path / "another").mkdir()
        yield tmp_path / "nowhere", tmp_path / "another"
    for disk in mounted:
        disk.remove()


def test_the_same_configuration_gives_the_same_files_in_a_strange_place(results, disks, tmp_path):
    """In a folder with blanks and letters beyond ASCII, on one core, with another order of sets, no home, no locale,
    files for their owner alone, a number of threads that is none, modules of our names on the path of Python, no room
    for temporary files, and results on another disk."""
    names = [
        "dataset/vocabulary.txt",
        "model/finetuned/model.safetensors",
        "model/snapshots/finetuned/step-0000001/model.safetensors",
        "predictions/test.parquet",
        "evaluation/test/metrics.tsv",
        "geometry/cone_index.tsv",
        "geometry/attention_gates.tsv",
        "geometry/attention_gates.png",
        "replicates/random/geometry/isotropy.tsv",
    ]
    folder = tmp_path / "Größe & Maß/der 2. Lauf"
    folder.mkdir(parents=True)
    other = copy_tree(folder)
    full, elsewhere = disks
    (folder / "results/tiny").symlink_to(elsewhere)
    for name in ("tables", "spikegeometry"):
        strange = tmp_path / "strange" / name
        strange.mkdir(parents=True)
        (strange / "__init__.py").write_text("raise RuntimeError('this module is not ours')\n", encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name not in ("HOME", "LANG")}
    environment |= {
        "PYTHONHASHSEED": "1",
        "PYTHONPATH": str(tmp_path / "strange"),
        "LC_ALL": "C",
        "OMP_NUM_THREADS": "0",
        "TMPDIR": str(full),
    }
    # A model is made with its folder, and on the way.
    targets = [f"results/tiny/{name}" for name in names if not name.startswith("model/")]
    result = other.snakemake("--cores", "1", *targets, env=environment, umask=0o077)
    assert result.returncode == 0, (result.stdout + result.stderr)[-4000:]
    for name in names:
        assert (results / name).read_bytes() == (folder / "results/tiny" / name).read_bytes(), name


def test_findings_of_a_network_that_has_not_learnt_are_not_applicable(results):
    findings = read_tsv(results / "findings.tsv")
    written = {path.parent.name for path in results.glob("geometry/*/findings.tsv")}
    assert set(findings["analysis"]) == written and len(written) == 12
    assert set(findings["verdict"]) == {"not applicable"}
    # All are measured of the untrained control too.
    assert (findings["untrained"] != "").all()
    # Another network gives other numbers on the same sequences.
    main, untrained = (read_tsv(results / place / "geometry/isotropy.tsv") for place in ("", "replicates/random"))
    assert main[["class", "layer", "statistic"]].equals(untrained[["class", "layer", "statistic"]])
    assert not main["value"].equals(untrained["value"])


def test_the_atlas_shows_the_tables(results):
    page = (results / "atlas.html").read_text(encoding="utf-8")
    atlas = json.loads(page.split('id="atlas">')[1].split("</script>")[0])
    assert (atlas["run"], atlas["layers"], atlas["heads"], atlas["missing"]) == ("tiny", 2, 2, [])
    domains = read_tsv(results / "geometry/attention_domains.tsv")
    wanted = {"class": "mu", "layer": 2, "head": 1, "variant": "kmers", "domain": "RBD", "statistic": "log2_enrichment"}
    (value,) = domains.loc[(domains[list(wanted)] == pd.Series(wanted)).all(axis=1), "value"]
    shown = {one["key"]: one for one in atlas["statistics"]}["log2_enrichment.RBD"]
    assert shown["classes"]["mu"]["value"][2] == value
    assert len(atlas["predictions"]["columns"]["accession"]) == len(
        pd.read_parquet(results / "predictions/test.parquet")
    )
    linked = atlas["card"]["tables"]
    assert "geometry/cone_index.tsv" in linked and all((results / path).is_file() for path in linked)


def test_the_report_holds_every_figure_with_its_caption(finished, results):
    result = finished.snakemake("--report", "results/tiny/report.html")
    assert result.returncode == 0, (result.stdout + result.stderr)[-4000:]
    page = (results / "report.html").read_text(encoding="utf-8")
    for words in (
        "The network has not learnt the task",
        "the accuracy of BERT less that of a linear model",
        "R is 1 where all vectors point one way",
        "arrows point to better values",
        "<strong>Result.</strong> R of a block",
        r"href=\"methods.html\"",
        "Versions and machines",
        r"href=\"atlas.html\"",  # the page holds its description as text of a script
    ):
        assert words in page
    figures = [*results.glob("**/*.png")]
    assert len(figures) >= 15
    assert all(figure.name in page for figure in figures)


def test_the_first_page_begins_within_the_window_and_prints(results):
    """Snakemake centres it; of a page longer than the window the first lines would be out of reach."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.goto((results / "report.html").as_uri())
        first = page.locator(".prose p").first
        first.wait_for()
        box, menu = first.bounding_box(), page.locator("nav, .bg-slate-900\\/70").first.bounding_box()
        # On paper, the whole of it and nothing over it.
        page.set_viewport_size({"width": 718, "height": 1000})
        page.emulate_media(media="print")
        hidden = page.locator("nav.h-screen").is_hidden()
        wide, high = page.evaluate("[document.body.scrollWidth, document.querySelector('#app > div').offsetHeight]")
        text = page.locator(".prose").first.bounding_box()["height"]
        browser.close()
    assert 0 <= box["y"] < 100
    assert box["x"] >= (menu["x"] + menu["width"] if menu else 0) and box["x"] + box["width"] <= 1366
    assert hidden and wide <= 718 and high >= text


def test_what_really_ran_is_said_by_the_jobs(finished, results):
    """The aligner's version is that which it says of itself; each job is counted; nothing names machine or user."""
    text = (results / "provenance.json").read_text(encoding="utf-8")
    made = json.loads(text)
    found = {(row["kind"], row["name"]): row for row in made["versions"]}
    said = subprocess.run(["samtools", "--version"], capture_output=True, check=True).stdout
    assert f"samtools {found['program', 'samtools']['version']}\n".encode() in said
    assert found["program", "bwa"]["jobs"] == found["program", "samtools"]["jobs"] == 2 * 4
    assert found["package", "torch"]["version"] == torch.__version__
    assert found["program", "python"]["jobs"] > found["package", "torch"]["jobs"] > 5
    assert made["seeds"] == {"run": 7} and made["config"]["run"] == "tiny"
    assert made["inputs"]["cohort.fasta"] == file_digest(finished.folder / "cohort.fasta")
    weights = "results/tiny/model/finetuned/model.safetensors"
    assert made["results"][weights] == file_digest(finished.folder / weights)
    assert str(finished.folder) not in text and platform.node() not in {row["version"] for row in made["versions"]}
    assert "bwa" in (results / "atlas.html").read_text(encoding="utf-8").split('"versions"')[1][:400]


def test_the_crate_of_the_run_is_valid(finished, results):
    made = finished.snakemake("crate")
    assert made.returncode == 0, (made.stdout + made.stderr)[-4000:]
    assert faults(results / "crate") == []
    assert read_tsv(results / "crate/findings.tsv").equals(read_tsv(results / "findings.tsv"))


def test_a_gpu_that_is_asked_for_and_absent_is_reported(finished, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    # What no other rule needs, so that the run stays as it is.
    target = "results/tiny/predictions/random/train.parquet"
    result = finished.snakemake(target, "--rerun-triggers", "mtime", "--config", "model={device: cuda}")
    output = result.stdout + result.stderr
    assert result.returncode != 0
    assert "Config key model.device: it is cuda, but this machine shows no GPU." in output
    assert "Take `auto` or `cpu`." in output
    assert "Traceback" not in output
