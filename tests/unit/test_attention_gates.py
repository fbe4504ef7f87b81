"""Attention gates: the names of pure patterns, ties, and the script."""

import numpy as np
import pytest
import torch

from pure_maps import PURE, TRUTH, stack
from spikegeometry.errors import InputError
from spikegeometry.figures.attention_gates import draw_attention_gates
from spikegeometry.geometry.attention_gates import NAMED, gate_labels
from spikegeometry.geometry.patterns import HETEROGENEOUS, UNDEFINED, gate_scores
from tiny_run import CLASSES, absent, run_analysis, write_small_run


def test_pure_patterns():
    labels = gate_labels(gate_scores(stack(*PURE.values())), threshold=0.3)
    assert dict(zip(PURE, labels, strict=True)) == {name: truth[8] for name, truth in TRUTH.items()}


def test_head_without_rows_and_map_of_one_token():
    for maps in (torch.zeros(2, 9, 9), torch.ones(2, 1, 1)):
        assert gate_labels(gate_scores(maps), 0.3) == [UNDEFINED] * 2
    assert gate_labels(gate_scores(torch.stack([torch.zeros(9, 9), torch.eye(9)])), 0.3) == [UNDEFINED, "self"]


def scored(**values):
    return {name: torch.tensor([values.get(name, 0.0)]) for name in (*NAMED, "diag")}


@pytest.mark.parametrize(
    ("scores", "label"),
    [
        ({"bwd": 0.29}, HETEROGENEOUS),
        ({"bwd": 0.3}, "bwd"),
        ({"bwd": 0.3 - 1e-8}, "bwd"),
        ({"bwd": 0.7, "cluster": 0.29}, "bwd"),
        ({"bwd": 0.7, "cluster": 0.3, "fwd": 0.31}, "bwd+fwd"),
        ({"self": 0.5, "vertical": 0.5}, "vertical+self"),
        ({"bwd": 0.4, "cluster": 0.4 + 1e-8, "diffuse": 0.4}, "diffuse+cluster"),
        ({"diag": 0.9}, HETEROGENEOUS),
        ({"bwd": 0.4, "fwd": 0.4}, "fwd+bwd"),
        ({"self": 0.5, "bwd": 0.4, "fwd": 0.4}, "self+fwd+bwd"),
        ({"self": 0.5, "bwd": 0.4, "fwd": 0.41}, "self+fwd"),
        ({"self": 0.5, "vertical": 0.45, "bwd": 0.4, "fwd": 0.4}, "self+vertical"),
        ({"self": 0.5, "bwd": 0.2, "fwd": 0.2}, "self"),
    ],
)
def test_names(scores, label):
    assert gate_labels(scored(**scores), threshold=0.3) == [label]


# The script

PARAMS = {"threshold": 0.3}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_small_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def tables(run):
    return run_analysis("attention_gates", run, **PARAMS)


def test_tables(tables):
    table, sequences = tables
    assert len(sequences) == 4 * 2 * 4 * 2
    assert sequences[["mi", "hrow", "colconc"]].sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-5)
    assert sequences.loc[sequences["variant"] == "raw", "sink"].between(0, 1).all()
    assert sequences.loc[sequences["variant"] == "kmers", "sink"].isna().all()
    assert set(table["class"]) == {"alpha", "beta", "all"}

    means = table[table["statistic"] == "instance"].set_index(["class", "layer", "head", "variant"])
    # The twins count once.
    distinct = sequences[sequences["sequence"] != "alpha/2"]
    several = distinct.groupby(["class", "layer", "head", "variant"])["instance"]
    place = ("alpha", 2, 3, "kmers")
    assert means.loc[place, "value"] == pytest.approx(several.mean()[place], rel=1e-5)
    assert means["n"].groupby("class").max().to_dict() == {"alpha": 2, "beta": 1, "all": 3}
    assert means.loc["beta", ["low", "high"]].isna().all(axis=None)

    shares = table[table["statistic"] == "share"].groupby(["class", "layer", "head", "variant"])["value"].sum()
    assert shares.to_numpy() == pytest.approx(1)
    assert len(shares) == 3 * 2 * 4 * 2


def test_sink_is_what_kmers_pay_to_the_special_tokens(run, tables):
    _, sequences = tables
    maps = np.load(run / "activations/attention_mean.npz")["beta"][:, :, 1:11, :12]
    rows = sequences[(sequences["class"] == "beta") & (sequences["variant"] == "raw")].set_index(["layer", "head"])
    expected = (maps[..., 0] + maps[..., 11]).mean(axis=-1)
    assert rows["sink"].sort_index().to_numpy() == pytest.approx(expected.ravel(), rel=1e-4)


def test_selection(run):
    _, sequences = run_analysis("attention_gates", run, **PARAMS, layers=[2], heads=[3])
    assert sequences[["layer", "head"]].drop_duplicates().to_numpy().tolist() == [[2, 3]]


@absent("attention_gates")
def test_what_does_not_exist_is_named(run, key, value, message):
    with pytest.raises(InputError, match=message):
        run_analysis("attention_gates", run, **PARAMS, **{key: value})


def test_figure_shows_the_papers_names(tables):
    figure = draw_attention_gates(tables[0], CLASSES, {"vertical": "directional gate", "self": "closed gate"})
    assert figure.get_suptitle().endswith("n = 3 distinct sequences; no sequence of gamma")
    shown = {text.get_text() for text in figure.legends[0].get_texts()}
    assert {"vertical: directional gate", "self: closed gate"} <= shown
