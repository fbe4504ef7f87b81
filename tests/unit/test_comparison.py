"""Finished runs side by side: differences and tests by hand, what runs lack, curves, and the page."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from spikegeometry.config import check_files, check_runs, comparison_name, load_config
from spikegeometry.errors import InputError
from spikegeometry.evaluation.comparison import paired_differences, shared_genomes
from spikegeometry.report.comparison import comparison_page
from spikegeometry.report.runs import (
    COLUMNS,
    address,
    differing,
    labelled,
    layer_rows,
    missing_rows,
    run_rows,
    with_zeros,
)
from spikegeometry.report.statistics import OF_LAYERS
from spikegeometry.stats.intervals import bootstrap_weights
from spikegeometry.stats.paired import holm, mcnemar
from spikegeometry.tables import write_parquet, write_tsv

HOSTILE = "<script>alert('x')</script> & " + "y" * 200
# Right and wrong of eleven genomes, of which the last is a copy of the first.
ONE = [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1]
OTHER = [1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
GENES = [f"ATG{'C' * number}" for number in range(10)] + ["ATG"]
CLASSES = ["a", "b"]


def write_predictions(folder, right, genes=GENES, classes=CLASSES, prefix="genome", name="test"):
    """Predictions of the network and of a baseline, which is always right, and genes; the classes come in turn."""
    own = [classes[number % 2] for number in range(len(right))]
    table = pd.DataFrame({"accession": [f"{prefix}{number}" for number in range(len(right))], "class": own})
    place = "spikes" if name == "test" else f"external/{name}/spikes"
    for path in (place, "predictions/finetuned", "predictions/baselines/majority"):
        (folder / path).mkdir(parents=True, exist_ok=True)
    write_parquet(table.assign(native=genes), folder / place / "spikes.parquet")
    for model, hits in (("finetuned", right), ("baselines/majority", np.ones(len(right)))):
        said = [one if hit else classes[one == classes[0]] for one, hit in zip(own, hits, strict=True)]
        shares = {f"p_{one}": np.where(np.array(said) == one, 0.75, 0.25) for one in classes}
        write_parquet(table.assign(predicted=said, **shares), folder / f"predictions/{model}/{name}.parquet")
    return folder


def metrics_of(*sets):
    rows = [(name, model) for name in sets for model in ("bert", "majority")]
    return pd.DataFrame(rows, columns=["set", "model"])


def differences(one, other, sets=("validation", "test"), samples=2000):
    folders = {"one": one, "other": other}
    return paired_differences(folders, dict.fromkeys(folders, metrics_of(*sets)), 5, samples, 0.95, 1)


def test_difference_and_test_by_hand(tmp_path):
    """Ten distinct sequences: four that only the first run has right, one that only the other has."""
    other = write_predictions(tmp_path / "other", OTHER)
    path = other / "predictions/finetuned/test.parquet"
    write_parquet(pd.read_parquet(path).iloc[::-1], path)  # the order is no matter
    found = differences(write_predictions(tmp_path / "one", ONE), other)
    whole = found[(found["statistic"] == "accuracy") & (found["class"] == "")].set_index("model")
    bert = whole.loc["bert"]
    assert bert["value"] == pytest.approx(3 / 11) and bert["n"] == 11
    assert bert["p"] == pytest.approx(0.375) == stats.binomtest(1, 5).pvalue
    assert bert["p_holm"] == pytest.approx(0.75) and whole.loc["majority", "p_holm"] == 1
    assert bert["text"] == "10 distinct; right in the first alone 4, in the second alone 1"
    weights = np.concatenate(list(bootstrap_weights(np.array([*range(10), 0]), 2000, 1)))
    resampled = weights @ (np.array(ONE) - OTHER) / weights.sum(1)
    assert [bert["low"], bert["high"]] == pytest.approx(np.quantile(resampled, [0.025, 0.975]))
    # The loss of a wrong answer less that of a right one is log 3.
    loss = found[(found["statistic"] == "log_loss") & (found["model"] == "bert")].iloc[0]
    assert loss["value"] == pytest.approx(-3 / 11 * np.log(3)) and np.isnan(loss["p"])
    assert found.loc[found["class"] == "a", "n"].eq(6).all() and set(found["set"]) == {"test"}


def test_a_run_and_its_copy_do_not_differ(tmp_path):
    found = differences(*(write_predictions(tmp_path / name, OTHER) for name in ("one", "other")))
    assert len(found) > 20 and found[["value", "low", "high"]].eq(0).all(axis=None)
    assert found["p"].dropna().eq(1).all() and found["p"].count() == 2


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"classes": ["a", "c"]}, "the classes of the two runs differ"),
        ({"prefix": "other"}, "no accession is in the set of both runs"),
        ({"genes": ["AAA"] * 11}, "none of the 11 accessions in both has one gene and one of the classes in both"),
    ],
)
def test_why_there_is_no_test(tmp_path, changed, why):
    one, other = write_predictions(tmp_path / "one", ONE), write_predictions(tmp_path / "other", OTHER, **changed)
    (row,) = differences(one, other).to_dict("records")
    assert row["text"] == why and np.isnan(row["value"]) and np.isnan(row["p_holm"])


def test_genomes_that_are_others_are_left_out(tmp_path):
    """Those of an external set, of which one is of no class, one has another gene, and one another class."""
    one = write_predictions(tmp_path / "one", ONE, name="new")
    other = write_predictions(tmp_path / "other", ONE, ["AAA", *GENES[1:]], name="new")
    for folder, number, label in ((one, 2, "other"), (other, 2, "other"), (other, 5, "a")):
        path = folder / "predictions/finetuned/new.parquet"
        table = pd.read_parquet(path)
        table.loc[number, "class"] = label
        write_parquet(table, path)
    shared, text = shared_genomes(one, other, "new")
    assert list(shared.index) == [f"genome{number}" for number in (1, 3, 4, 6, 7, 8, 9, 10)]
    assert text == "; of 2 accessions gene or class differ, and they are left out"
    assert differences(one, other, ["new"])["n"].max() == 8


def test_predictions_that_are_not_there_are_named(tmp_path):
    one, other = (write_predictions(tmp_path / name, ONE) for name in ("one", "other"))
    (other / "predictions/baselines/majority/test.parquet").unlink()
    found = differences(one, other)
    assert (
        found.loc[found["model"] == "majority", "text"]
        .item()
        .endswith("other/predictions/baselines/majority/test.parquet")
    )
    assert found["p"].count() == 1
    (other / "spikes/spikes.parquet").unlink()
    assert differences(one, other)["text"].tolist() == ["other has no spikes/spikes.parquet"]


def test_mcnemar_done_by_hand():
    assert mcnemar(10, 2) == pytest.approx(0.0386, abs=5e-5)
    assert mcnemar(10, 2) == mcnemar(2, 10) == pytest.approx(stats.binomtest(2, 12).pvalue)
    assert mcnemar(0, 0) == mcnemar(3, 3) == 1
    assert mcnemar(0, 1) == 1


def test_holm_done_by_hand():
    assert holm(np.array([0.03, 0.01, 0.04, 0.9])) == pytest.approx([0.09, 0.04, 0.09, 0.9])
    assert holm(np.array([])).size == 0


def test_layers_are_of_all_classes_or_the_mean_of_classes_and_of_heads():
    rows = [
        ("a", 1, 1, "x", "s", 1.0, 0.0, 2.0, 3),
        ("a", 1, 2, "x", "s", 3.0, 2.0, 4.0, 3),
        ("b", 1, 1, "x", "s", 5.0, 4.0, 6.0, 2),
        ("b", 1, 2, "x", "s", 7.0, 6.0, 8.0, 2),
        ("a", 2, "", "y", "s", 1.0, 0.5, 1.5, 3),
        ("all", 2, "", "y", "s", 9.0, 8.5, 9.5, 5),
        ("a", "", "", "y", "trend", 1.0, 0.5, 1.5, 3),
    ]
    table = pd.DataFrame(rows, columns=["class", "layer", "head", "site", "statistic", "value", "low", "high", "n"])
    found = layer_rows(table)
    assert found[["labels", "layer", "value", "n"]].to_numpy().tolist() == [
        ["site=x", 1, 4.0, 5],
        ["site=y", 2, 9.0, 5],
    ]
    assert found["low"].isna().tolist() == [True, False] and found["high"].tolist()[1] == 9.5
    by_block = layer_rows(pd.DataFrame({"block": ["", "0.0"], "span": [1, 1], "statistic": "s", "value": [1.0, 2.0]}))
    assert by_block[["labels", "layer", "value"]].to_numpy().tolist() == [["span=1", 0.0, 2.0]]
    assert layer_rows(pd.DataFrame({"class": ["a"], "value": [1.0]})).empty
    assert labelled({"b": 1.0, "a": "x", "c": "", "d": np.nan}) == "a=x; b=1"


def test_a_share_that_is_not_there_is_0():
    rows = [(1, "narrow", "share", 1.0), (2, "narrow", "share", 0.25), (2, "wide", "share", 0.75), (2, "", "k", 5.0)]
    table = pd.DataFrame(rows, columns=["head", "regime", "statistic", "value"]).assign(layer=1, n=4)
    found = layer_rows(with_zeros(table, "regime")).set_index("labels")
    assert found["value"].to_dict() == {"": 5.0, "regime=narrow": 0.625, "regime=wide": 0.375}
    assert found["n"].eq(4).all()


def write_run(folder, layers=2, coordinates="native", claim="It <b>rises</b>."):
    """A small finished run; the first half of its layers is above the second."""
    for part in ("geometry", "model/finetuned", "evaluation", "dataset", "replicates/random/geometry"):
        (folder / part).mkdir(parents=True)
    config = {"run": folder.name, "seed": 1, "dataset": {"coordinates": coordinates, "k": 9}, "query": folder.name}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "model/about.json").write_text(json.dumps({"cautions": [f"Beware of {layers} <i>."]}), encoding="utf-8")
    (folder / "model/finetuned/config.json").write_text(json.dumps({"num_hidden_layers": layers}), encoding="utf-8")
    values = [
        {"class": "a", "layer": layer, "scope": "pooled", "value": 0.5 / (1 + layer)} for layer in range(layers + 1)
    ]
    table = pd.DataFrame(values).assign(statistic="mean_cosine", n=3)
    write_tsv(table, folder / "geometry/isotropy.tsv")
    write_tsv(table.assign(value=0.9), folder / "replicates/random/geometry/isotropy.tsv")
    sizes = [("a", "test", 7, 6), ("b", "test", 4, 4)]
    write_tsv(
        pd.DataFrame(sizes, columns=["class", "split", "genomes", "haplotypes"]), folder / "dataset/split_sizes.tsv"
    )
    metrics = metrics_of("validation", "test").assign(metric="accuracy", value=0.9, low=0.8, high=0.95, n=11)
    write_tsv(metrics.assign(**{"class": ""}), folder / "evaluation/metrics.tsv")
    finding = {
        "analysis": "isotropy",
        "claim": claim,
        "statistic": f"layer {layers} less 1",
        "verdict": "supported",
        "value": 0.5,
    }
    finding |= {"low": 0.25, "high": 0.75, "n": 3, "untrained": "undecided"}
    finding |= {"untrained_value": 0.125, "untrained_low": -1.0, "untrained_high": 1.0}
    write_tsv(pd.DataFrame([finding]), folder / "findings.tsv")
    return folder


def table_of(*folders):
    rows = pd.concat([run_rows(folder)[0] for folder in folders], ignore_index=True)
    return pd.concat([missing_rows(rows), differing(rows)], ignore_index=True)[COLUMNS]


def test_rows_of_a_run(tmp_path):
    rows, statistics = run_rows(write_run(tmp_path / "x"))
    configuration = rows[rows["part"] == "configuration"].set_index("statistic")["text"].to_dict()
    assert configuration == {"seed": "1", "dataset.coordinates": "native", "dataset.k": "9"}
    data = rows[rows["part"] == "data"].set_index("statistic")["value"].to_dict()
    assert data == {"genomes": 11, "distinct sequences": 10, "layers": 2}
    layers = rows[rows["part"] == "layers"]
    assert layers[["model", "layer", "depth", "value"]].to_numpy().tolist()[2:4] == [
        ["finetuned", 2, 1.0, pytest.approx(1 / 6, rel=1e-5)],
        ["random", 0, 0.0, 0.9],
    ]
    cosine = next(one for one in statistics if one.key == "isotropy.mean_cosine")
    assert (
        address(cosine)
        == ("isotropy", "mean_cosine", "scope=pooled")
        == tuple(layers.iloc[0][["analysis", "statistic", "labels"]])
    )


def test_only_what_differs_of_the_configurations_stays(tmp_path):
    write_run(tmp_path / "a")
    write_run(tmp_path / "b", coordinates="projected")
    config = json.loads((tmp_path / "b/config.json").read_text())
    (tmp_path / "b/config.json").write_text(json.dumps(config | {"more": [1]}), encoding="utf-8")
    table = table_of(tmp_path / "a", tmp_path / "b")
    kept = table[table["part"] == "configuration"][["run", "statistic", "text"]].to_numpy().tolist()
    assert kept == [
        ["a", "dataset.coordinates", "native"],
        ["b", "dataset.coordinates", "projected"],
        ["b", "more", "[1]"],
    ]
    assert not (table["part"] == "missing").any()


def test_what_a_run_lacks_is_named(tmp_path):
    one, other = write_run(tmp_path / "one"), write_run(tmp_path / "other")
    write_tsv(pd.DataFrame({"class": ["a"], "value": [1.0]}), one / "geometry/attention_flow.tsv")
    write_tsv(
        metrics_of("test").assign(metric="accuracy", value=1, low=1, high=1, n=1, **{"class": ""}),
        other / "evaluation/metrics.tsv",
    )
    for path in (
        "config.json",
        "findings.tsv",
        "replicates/random/geometry/isotropy.tsv",
        "model/finetuned/config.json",
    ):
        (other / path).unlink()
    table = table_of(one, other)
    missing = table[table["part"] == "missing"]
    assert set(missing["run"]) == {"other"} and missing["text"].tolist() == [
        "analysis attention_flow",
        "measurements of an untrained network",
        "set validation",
        "the configuration",
        "the findings",
    ]
    page = comparison_page(table, ["one", "other"], OF_LAYERS)
    assert "<b>other</b> lacks: analysis attention_flow, " in page
    assert "No paired test of one and other on the test split: they have no metrics of it in common." in page


def test_page_shows_names_as_text_and_depth_where_layers_differ(tmp_path):
    runs = [HOSTILE, "deep"]
    table = table_of(write_run(tmp_path / "x"), write_run(tmp_path / "deep", layers=4))
    table["run"] = table["run"].replace("x", HOSTILE)
    reason = {"part": "differences", "run": HOSTILE, "against": "deep", "set": "test", "text": f"why {HOSTILE}"}
    lacking = {"part": "missing", "run": HOSTILE, "text": f"set {HOSTILE}"}
    table = pd.concat([table, pd.DataFrame([reason, lacking])], ignore_index=True)
    page = comparison_page(table, runs, OF_LAYERS)
    assert "<script" not in page and "<b>rises" not in page and "http" not in page and "data:" not in page
    assert page.count("&lt;script&gt;") >= 8 and "It &lt;b&gt;rises&lt;/b&gt;." in page
    assert "No paired test of" in page and "why &lt;script&gt;" in page
    assert "0.5 [0.25, 0.75]" in page and "untrained: undecided 0.125 [-1, 1]" in page
    assert "</b>: Beware of 2 &lt;i&gt;.</p>" in page and "<b>deep</b>: Beware of 4 &lt;i&gt;.</p>" in page
    assert "layer 2 less 1 / layer 4 less 1" in page and "the verdict is the same in 1;" in page
    assert "curves lie over relative depth" in page and page.count("<figure>") == 1
    # Four lines, of the depths 0 to 1 each, and an untrained network at the top, at 0.9.
    lines = [re.findall(r"[\d.]+", one) for one in re.findall(r'points="([\d., ]+)"', page.partition("<figure>")[2])]
    assert [len(line) // 2 for line in lines] == [3, 3, 5, 5]
    assert {(line[0], line[-2]) for line in lines} == {("68.0", "244.0")}
    assert {line[1] for line in lines[1::2]} == {"10.0"}


def test_page_of_runs_with_as_many_layers_and_one_verdict(tmp_path):
    folders = [write_run(tmp_path / name) for name in ("a", "b", "c")]
    page = comparison_page(table_of(*folders), ["a", "b", "c"], OF_LAYERS)
    assert "relative depth" not in page and ">layer</text>" in page
    assert "that several runs measured, the verdict is the same in 1" in page and "≠ It" not in page
    assert "n = 3, 3, 3." in page and page.count("<polyline") == 3 + 6
    assert page.count("No paired test of") == 3 and "Nothing is known to differ." in page


def test_names_of_comparisons():
    assert comparison_name(["lineages", "lineages-native"]) == "lineages+lineages-native"
    names = [comparison_name(runs) for runs in (["a+b", "c"], ["a", "b+c"], ["a b", "c"], ["ä", "c"], ["a", "b", "c"])]
    assert len(set(names)) == 5 and all(re.fullmatch(r"[\w.+-]+", name, re.ASCII) for name in names)
    long = [comparison_name(["x" * 200, end]) for end in ("y", "z")]
    assert long[0] != long[1] and all(len(name) < 140 for name in long)


def test_runs_that_cannot_be_compared(tmp_path):
    for run in ("one", "two", "begun"):
        (tmp_path / run).mkdir()
    for run in ("one", "two"):
        (tmp_path / run / "atlas.html").touch()
    check_runs(["two", "one"], tmp_path)
    for runs, wrong in {
        (): "a comparison needs two runs or more",
        ("one",): "a comparison needs two runs or more",
        ("one", "two", "one"): "the run one is named twice",
        ("one", "begun"): "the run begun is not finished (no atlas.html)",
        ("one", "none"): "there is no run none",
    }.items():
        with pytest.raises(InputError) as caught:
            check_runs(list(runs), tmp_path)
        assert str(caught.value) == f"Config key runs: {wrong}. Finished runs in {tmp_path}: one, two."


@pytest.mark.parametrize("name", ["../x", "a/b", ".", "", "<script>", "{run}"])
def test_names_that_are_no_folder_are_refused(name):
    with pytest.raises(InputError, match="Config key runs.0"):
        load_config({"run": "x", "source": {"type": "simulate", "simulate": {}}, "runs": [name]})


def test_runs_are_compared_where_their_genomes_are_not():
    table = {"sequences": "gone.fasta", "labels": "gone.tsv"}
    config = load_config({"run": "x", "source": {"type": "table", "table": table}, "runs": ["a", "b"]})
    check_files(config)
    with pytest.raises(InputError, match="no file gone"):
        check_files(config | {"runs": []})
