"""Attention rollout and flow: networks whose values are known, naive computations, cuts, and the script."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.optimize import linprog

from spikegeometry.errors import InputError
from spikegeometry.figures.attention_flow import draw_attention_flow
from spikegeometry.geometry.attention_flow import (
    check_bounds,
    flow_bounds,
    follow,
    maximum_flows,
    source_dependence,
)
from spikegeometry.geometry.heads import attention_maps
from spikegeometry.geometry.rollout import residual_mix, rollout, rollout_by_layer
from spikegeometry.model.activations import Recorded
from spikegeometry.model.weights import read_layers
from tiny_run import random_bert, random_tokens, run_analysis, write_run

UNIFORM = torch.full((1, 3, 3), 1 / 3)
COLUMN = torch.tensor([[0.0, 0, 1]]).repeat(3, 1)[None]
ITSELF = torch.eye(3)[None]


def same_layers(maps, layers):
    return residual_mix(maps, 0.5).repeat(layers, 1, 1)


def random_mixes(layers, n, seed, sharpness):
    generator = torch.Generator().manual_seed(seed)
    maps = torch.softmax(sharpness * torch.randn(layers, 2, n, n, generator=generator), dim=-1)
    return torch.stack([residual_mix(heads, 0.5) for heads in maps])


@pytest.mark.parametrize(
    ("maps", "layers", "rolled", "flows"),
    [
        (UNIFORM, 2, (0.5, 0.25, 0.25), (1, 0.5, 0.5)),
        (UNIFORM, 3, (5 / 12, 7 / 24, 7 / 24), (1, 5 / 6, 5 / 6)),
        (COLUMN, 2, (0.25, 0, 0.75), (0.5, 0, 1)),
        (ITSELF, 4, (1, 0, 0), (1, 0, 0)),
    ],
    ids=("uniform, 2 layers", "uniform, 3 layers", "one column", "itself"),
)
def test_known_networks(maps, layers, rolled, flows):
    mixes = same_layers(maps, layers)
    assert rollout(mixes)[0].tolist() == pytest.approx(rolled, abs=1e-7)
    assert rollout_by_layer(mixes, 0)[-1].tolist() == pytest.approx(rolled, abs=1e-7)
    assert maximum_flows(mixes, 0, [0, 1, 2]).tolist() == pytest.approx(flows, abs=1e-6)
    assert flow_bounds(mixes, 0).tolist() == pytest.approx(flows, abs=1e-6)


def test_mix_of_heads_and_residual():
    mix = residual_mix(torch.cat([UNIFORM, ITSELF]), 0.25)
    expected = 0.25 * np.eye(3) + 0.75 * (np.full((3, 3), 1 / 6) + np.eye(3) / 2)
    assert mix.numpy() == pytest.approx(expected, abs=1e-7)
    # Maps of float32 do not sum to 1 exactly; mixes do.
    rough = residual_mix(torch.softmax(torch.randn(4, 426, 426, generator=torch.Generator().manual_seed(0)), -1), 0.5)
    assert rough.sum(dim=-1).numpy() == pytest.approx(1, abs=1e-14)


def test_rollout_against_single_products_and_by_layer():
    mixes = random_mixes(layers=5, n=17, seed=1, sharpness=2)
    product = np.eye(17)
    for layer, mix in enumerate(mixes.numpy()):
        product = np.array([[sum(mix[i] * product[:, j]) for j in range(17)] for i in range(17)])
        for source in (0, 8):
            assert rollout_by_layer(mixes, source)[layer].numpy() == pytest.approx(product[source], abs=1e-12)
    assert rollout(mixes).numpy() == pytest.approx(product, abs=1e-12)
    drawn, whole = follow(mixes, 3)
    assert drawn["rollout"].sum().item() == pytest.approx(1, abs=1e-12)
    assert drawn["rollout_specific"].numpy() == pytest.approx(product[3] - product.mean(axis=0), abs=1e-12)
    distances = [np.abs(row - product.mean(axis=0)).sum() / 2 for row in product]
    assert whole["source_dependence"] == pytest.approx(np.mean(distances), abs=1e-12)


def test_source_dependence_of_the_extremes():
    assert source_dependence(torch.full((8, 8), 1 / 8)) == pytest.approx(0)
    assert source_dependence(torch.eye(8)) == pytest.approx(7 / 8)


def flow_by_linear_programme(mixes, source, sink):
    """The most that can leave the source: flows on edges as unknowns, conserved at every inner token."""
    layers, n = mixes.shape[:2]
    edges = [(level, i, j) for level in range(layers) for i in range(n) for j in range(n)]
    conserved = [
        [int(level == up and j == token) - int(level == up - 1 and i == token) for level, i, j in edges]
        for up in range(1, layers)
        for token in range(n)
    ]
    dead = [(level == layers - 1 and i != source) or (level == 0 and j != sink) for level, i, j in edges]
    bounds = [(0, 0 if closed else mixes[edge].item()) for edge, closed in zip(edges, dead, strict=True)]
    gain = [-1.0 if level == 0 else 0.0 for level, _, _ in edges]
    return -linprog(gain, A_eq=conserved, b_eq=[0] * len(conserved), bounds=bounds).fun


@pytest.mark.parametrize("layers", [2, 3, 4])
def test_maximum_flow_against_linear_programme(layers):
    mixes = random_mixes(layers, n=5, seed=layers, sharpness=3)
    flows = maximum_flows(mixes, 1, list(range(5)))
    assert flows.tolist() == pytest.approx([flow_by_linear_programme(mixes, 1, sink) for sink in range(5)], abs=1e-6)


def cuts_around_the_column(mixes, source, sink):
    """Capacity of each cut that keeps the sink's token on the lowest levels apart from all else."""
    layers, n = mixes.shape[:2]
    capacities = [1.0]
    for height in range(1, layers + (source != sink) + 1):
        apart = {(level, sink) for level in range(height)}
        crossing = [
            mixes[level, i, j].item()
            for level in range(layers)
            for i in range(n)
            for j in range(n)
            if (level, j) in apart and (level + 1, i) not in apart
        ]
        capacities.append(sum(crossing))
    return min(capacities)


@pytest.mark.parametrize("layers", [1, 2, 3, 6, 12])
@pytest.mark.parametrize("sharpness", [0.5, 3, 8])
def test_bound_lies_between_the_flow_and_the_cuts_around_a_column(layers, sharpness):
    n = 14
    mixes = random_mixes(layers, n, seed=layers, sharpness=sharpness)
    for source in (0, 9):
        bounds = flow_bounds(mixes, source)
        exact = maximum_flows(mixes, source, list(range(n)))
        assert (bounds - exact).min().item() > -1e-6
        if layers <= 2:
            assert bounds.tolist() == pytest.approx(exact.tolist(), abs=1e-6)
        cuts = [cuts_around_the_column(mixes, source, sink) for sink in range(n)]
        assert all(bound <= cut + 1e-9 for bound, cut in zip(bounds.tolist(), cuts, strict=True))


def test_check_of_the_bounds():
    mixes = same_layers(UNIFORM, 2)
    bounds = torch.tensor([1, 0.5, 0.7], dtype=torch.float64)
    exact, gaps = check_bounds(mixes, 0, bounds, [0, 2])
    assert exact[[0, 2]].tolist() == pytest.approx([1, 0.5], abs=1e-6)
    assert exact[1].isnan()
    assert gaps == pytest.approx({"flow_gap_mean": 0.1, "flow_gap_max": 0.2, "flow_gap_none": 0.5}, abs=1e-6)
    exact, gaps = check_bounds(mixes, 0, bounds, [])
    assert exact.isnan().all()
    assert all(map(math.isnan, gaps.values()))


# The script

CLASSES = ["alpha", "beta", "gamma"]
PARAMS = {
    "heads": [],
    "selected_classes": [],
    "classes": CLASSES,
    "residual": 0.5,
    "exact_sinks": 4,
    "confidence": 0.95,
    "seed": 7,
    "outputs": {"layers": "attention_flow_layers.parquet"},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Three sequences of alpha, two of them with the same tokens, one of beta, none of gamma."""
    folder = tmp_path_factory.mktemp("run")
    twin = random_tokens(0, 14)
    sequences = {"alpha": [twin, random_tokens(1, 11), twin], "beta": [random_tokens(2, 12)], "gamma": []}
    write_run(folder, random_bert(layers=3, heads=4, width=16, classes=3), sequences)
    return folder


@pytest.fixture(scope="module")
def tables(run):
    table, sequences = run_analysis("attention_flow", run, **PARAMS)
    return table, sequences, pd.read_parquet(run / "attention_flow_layers.parquet")


def test_rollout_of_the_model_is_of_single_sequences(run, tables):
    """The mean of the rollouts of a class, not the rollout of its mean map."""
    table, sequences, layers = tables
    weights = read_layers(run / "model")
    rolled = []
    for _, hidden in list(Recorded(run / "activations"))[:2]:
        product = np.eye(hidden.shape[1])
        for states, layer in zip(hidden, weights, strict=False):
            maps = attention_maps(states, layer, 4).double().numpy().mean(axis=0)
            product = (maps + np.eye(len(maps))) / 2 @ product
        rolled.append(product[0])
    first = sequences[sequences["sequence"] == "alpha/0"]
    assert first["rollout"].to_numpy() == pytest.approx(rolled[0], abs=1e-6)
    rows = table[(table["class"] == "alpha") & (table["statistic"] == "rollout")].set_index("token")
    assert rows.loc[5, "value"] == pytest.approx((rolled[0][5] + rolled[1][5]) / 2, rel=1e-4)
    assert rows["n"].to_dict() == {token: 2 if token < 10 else 1 for token in range(-1, 13)}
    # [SEP] is one token, wherever a sequence ends.
    assert rows.loc[-1, "value"] == pytest.approx((rolled[0][-1] + rolled[1][-1]) / 2, rel=1e-4)
    top = layers[(layers["class"] == "alpha") & (layers["layer"] == 3)].set_index("token")["value"]
    assert top[5] == pytest.approx(rows.loc[5, "value"], rel=1e-4)


def test_exact_flows_of_a_seeded_sample_in_one_sequence_of_a_class(run, tables):
    table, sequences, _ = tables
    counts = sequences.groupby("sequence")["flow_exact"].count().to_dict()
    assert counts == {"alpha/0": 4, "alpha/1": 0, "alpha/2": 0, "beta/3": 4}
    assert (sequences["flow_bound"] - sequences["flow_exact"]).dropna().min() > -1e-6
    overall = table[table["token"].isna()].set_index(["class", "statistic"])
    assert overall.loc[("beta", "flow_gap_none"), "n"] == 1
    assert overall.loc[("all", "source_dependence"), "n"] == 3
    again = run_analysis("attention_flow", run, **PARAMS)[1]
    pd.testing.assert_frame_equal(again, sequences)


def test_selection(run):
    _, sequences = run_analysis(
        "attention_flow", run, **PARAMS | {"heads": [3], "selected_classes": ["beta"], "exact_sinks": 0}
    )
    assert set(sequences["class"]) == {"beta"}
    assert sequences["flow_exact"].isna().all()


@pytest.mark.parametrize(("key", "value"), [("heads", 5), ("selected_classes", "mu")])
def test_what_does_not_exist_is_named(run, key, value):
    config_key = key.removeprefix("selected_")
    with pytest.raises(InputError, match=f"Config key analyses.attention_flow.{config_key}: {value} does not exist"):
        run_analysis("attention_flow", run, **PARAMS | {key: [value]})


def test_figure(run, tables):
    domains = pd.DataFrame({"name": ["head", "tail"], "first": [0.5, 6.5], "last": [6.5, 12.5]})
    table, _, layers = tables
    figure = draw_attention_flow(table, layers, domains, CLASSES, CLASSES)
    assert figure.get_suptitle().endswith("n = 3 distinct sequences; no sequence of gamma")
    assert [text.get_text() for text in figure.axes[0].texts] == ["head", "tail"]
    without, _ = run_analysis("attention_flow", run, **PARAMS | {"exact_sinks": 0})
    assert "gap" not in draw_attention_flow(without, layers, domains, CLASSES, CLASSES).axes[2].get_title()
