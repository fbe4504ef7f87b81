"""Attention rollout and flow: networks whose values are known, naive computations, cuts, and the script."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.optimize import linprog
from scipy.stats import spearmanr
from transformers import BertForSequenceClassification

from spikegeometry.errors import InputError
from spikegeometry.figures.attention_flow import draw_attention_flow
from spikegeometry.geometry.attention_flow import (
    check_bounds,
    flow_bounds,
    follow,
    gradient_times_input,
    maximum_flows,
    rank_correlations,
    source_dependence,
)
from spikegeometry.geometry.heads import attention_maps, head_tensors
from spikegeometry.geometry.rollout import mixed_maps, norm_map, residual_mix, rollout, rollout_by_layer
from spikegeometry.model.activations import read_recorded
from spikegeometry.model.weights import read_head, read_layers, read_shape
from spikegeometry.tables import write_tsv
from tiny_run import CLASSES, absent, run_analysis, small_sequences, write_small_run

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


@pytest.mark.parametrize(("gap", "none"), [(0.7e-5, 1), (1.5e-5, 0)])
def test_gap_that_is_rounding(gap, none):
    bounds = torch.tensor([1, 0.5 + gap, 0.5], dtype=torch.float64)
    _, gaps = check_bounds(same_layers(UNIFORM, 2), 0, bounds, [1])
    assert gaps["flow_gap_none"] == none


# Norms and gradients


def test_a_row_that_brings_nothing_in_is_the_identity():
    maps = torch.tensor([[[0.0, 0], [1, 3]]])
    assert residual_mix(maps, 0.5).tolist() == [[1, 0], [0.125, 0.875]]


def random_block(seed, n=5, width=8):
    generator = torch.Generator().manual_seed(seed)
    sizes = dict.fromkeys(("query", "key", "value", "output"), (width, width))
    layer = {f"{name}.weight": torch.randn(size, generator=generator) for name, size in sizes.items()}
    layer |= {f"{name}.bias": torch.randn(width, generator=generator) for name in (*sizes, "attention_norm")}
    return torch.randn(n, width, generator=generator), layer | {"attention_norm.weight": torch.ones(width)}


@pytest.mark.parametrize("heads", [[0, 1], [1]])
def test_norm_map_against_naive_computation(heads):
    hidden, layer = random_block(seed=0)
    tensors = head_tensors(hidden, layer, 2, 1e-12)
    found = norm_map(tensors, layer, heads)
    for query in range(5):
        for key in range(5):
            brought = sum(
                tensors.attention[h, query, key] * layer["output.weight"][:, 4 * h : 4 * h + 4] @ tensors.v[h, key]
                for h in heads
            )
            assert found[query, key].item() == pytest.approx(brought.norm().item(), rel=1e-4)


def test_norm_map_of_all_heads_is_of_the_parts_of_the_output():
    """With one key of all attention, the vector that comes in is the whole output but for its bias."""
    hidden, layer = random_block(seed=1)
    hidden = hidden[:1]
    tensors = head_tensors(hidden, layer, 2, 1e-12)
    assert norm_map(tensors, layer, [0, 1]).item() == pytest.approx((tensors.mha - layer["output.bias"]).norm().item())


def test_tokens_of_small_values_weigh_little():
    hidden, layer = random_block(seed=2)
    layer["value.bias"] = torch.zeros(8)
    hidden[3] = 0
    states = torch.stack([hidden, hidden])
    mixes = mixed_maps(states, [layer], 2, 1e-12, [0, 1], "norms", 0.5)
    assert mixes[0, [0, 1, 2, 4], 3].tolist() == pytest.approx([0] * 4)
    assert mixes.sum(dim=-1).numpy() == pytest.approx(1)
    by_attention = mixed_maps(states, [layer], 2, 1e-12, [0, 1], "attention", 0.5)
    assert (by_attention[0, [0, 1, 2, 4], 3] > 0.001).all()


def test_rank_correlations():
    importance = torch.tensor([9.0, 0.1, 0.4, 0.2, 0.9, 0.0])
    same = importance.exp()
    mixed = torch.tensor([0.0, 3, 1, 1, 2, 8])
    found = rank_correlations({"same": same, "mixed": mixed, "even": torch.ones(6)}, importance)
    assert found["spearman_same"] == pytest.approx(1)
    assert found["spearman_mixed"] == pytest.approx(spearmanr(mixed[1:-1], importance[1:-1]).statistic)
    assert math.isnan(found["spearman_even"])


# The script

PARAMS = {
    "weights": "attention",
    "residual": 0.5,
    "source": 0,
    "exact_sinks": 4,
    "k": 12,
    "stride": 9,
    "inputs": {"domains": "domains.tsv"},
    "seed": 7,
    "outputs": {"layers": "attention_flow_layers.parquet"},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = write_small_run(tmp_path_factory.mktemp("run"), layers=3)
    write_tsv(pd.DataFrame({"name": ["a", "b"], "start": [1, 8], "end": [7, 20]}), folder / "domains.tsv")
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
    for _, hidden in list(read_recorded(run / "activations"))[:2]:
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


def test_gradient_against_the_model(run, tables):
    model = BertForSequenceClassification.from_pretrained(run / "model", attn_implementation="eager").eval()
    recorded = read_recorded(run / "activations")
    _, hidden = next(iter(recorded))
    # From the words: LayerNorm of the embeddings is between them and X^(0), which is given here instead.
    states = hidden[0][None].clone().requires_grad_()
    output = model.bert.encoder(states).last_hidden_state
    logit = model.classifier(model.bert.pooler(output)).max()
    (gradient,) = torch.autograd.grad(logit, states)
    expected = (gradient * states).sum(dim=-1).abs()[0].detach().numpy()
    folder = run / "model"
    found = gradient_times_input(hidden[0], read_layers(folder), read_head(folder), read_shape(folder))
    assert found.numpy() == pytest.approx(expected, rel=1e-3, abs=1e-5)
    table, sequences, _ = tables
    first = sequences[sequences["sequence"] == "alpha/0"]
    assert first["gradient_input"].to_numpy() == pytest.approx(expected, rel=1e-3, abs=1e-5)
    kmers = first[first["token"] > 0]
    overall = table[table["token"].isna() & (table["class"] == "beta")].set_index("statistic")["value"]
    other = sequences[(sequences["sequence"] == "beta/3") & (sequences["token"] > 0)]
    assert overall["spearman_rollout"] == pytest.approx(
        spearmanr(other["rollout"], other["gradient_input"]).statistic, abs=1e-4
    )
    assert set(overall.index) >= {"spearman_flow_bound", "spearman_attention", "spearman_rollout_specific"}
    assert kmers["domain"].tolist() == [*"aa", *"bbbbb", *[""] * 5]


@pytest.mark.parametrize("largest", range(3))
def test_gradient_is_that_of_the_largest_logit(run, largest):
    folder = run / "model"
    classifier = read_head(folder)
    bias = [name for name, values in classifier.items() if values.shape == (3,)]
    assert len(bias) == 1
    classifier[bias[0]] = classifier[bias[0]] + 100 * torch.eye(3)[largest]
    _, hidden = next(iter(read_recorded(run / "activations")))
    states = hidden[0].clone()
    found = gradient_times_input(states, read_layers(folder), classifier, read_shape(folder))

    model = BertForSequenceClassification.from_pretrained(folder, attn_implementation="eager").eval()
    inputs = states[None].clone().requires_grad_()
    logit = model.classifier(model.bert.pooler(model.bert.encoder(inputs).last_hidden_state))[0, largest]
    (gradient,) = torch.autograd.grad(logit, inputs)
    assert found.numpy() == pytest.approx((gradient * inputs).sum(-1).abs()[0].detach().numpy(), rel=1e-3, abs=1e-5)


def test_attention_that_is_held_against_the_gradient_is_that_of_the_last_layer(run, tables):
    table, sequences, _ = tables
    model = BertForSequenceClassification.from_pretrained(run / "model", attn_implementation="eager").eval()
    found = table[table["statistic"] == "spearman_attention"].set_index("class")["value"]
    for name, tokens in {name: several[:2] for name, several in small_sequences().items() if several}.items():
        members = sequences[(sequences["class"] == name) & (sequences["token"] > 0)].groupby("sequence", sort=False)
        expected = []
        for ids, (_, rows) in zip(tokens, members, strict=False):
            with torch.no_grad():
                last = model(torch.from_numpy(ids)[None], output_attentions=True).attentions[-1][0]
            expected.append(spearmanr(last.mean(dim=0)[0, 1:-1], rows["gradient_input"]).statistic)
        assert found[name] == pytest.approx(np.mean(expected), abs=1e-4)


def test_places_of_the_tokens(tables):
    table = tables[0][tables[0]["statistic"] == "rollout"].drop_duplicates("token").set_index("token")
    assert table.loc[[1, 3], ["first_residue", "last_residue"]].to_numpy().tolist() == [[1, 4], [7, 10]]
    assert table.loc[[0, -1], "first_residue"].isna().all()
    assert table.loc[[3, -1], "domain"].tolist() == ["b", ""]


def test_norms_instead_of_attention(run, tables):
    _, sequences = run_analysis("attention_flow", run, **PARAMS | {"weights": "norms", "exact_sinks": 0})
    rolled = sequences.groupby("sequence")["rollout"].sum()
    assert rolled.to_numpy() == pytest.approx(1)
    assert (sequences["rollout"] - tables[1]["rollout"]).abs().max() > 1e-3


def test_another_source(run):
    """What k-mer 3 draws is the row of token 3; that of a k-mer that a sequence lacks does not exist."""
    _, sequences = run_analysis("attention_flow", run, **PARAMS | {"source": 3})
    _, hidden = next(iter(read_recorded(run / "activations")))
    mixes = [
        (attention_maps(states, layer, 4).double().mean(dim=0) + torch.eye(hidden.shape[1])) / 2
        for states, layer in zip(hidden, read_layers(run / "model"), strict=False)
    ]
    first = sequences[sequences["sequence"] == "alpha/0"]
    expected = (mixes[2] @ mixes[1] @ mixes[0])[3]
    assert first["rollout"].to_numpy() == pytest.approx(expected.numpy(), abs=1e-6)
    with pytest.raises(InputError, match=r"analyses\.attention_flow\.source: 11 does not exist"):
        run_analysis("attention_flow", run, **PARAMS | {"source": 11})


def test_selection(run):
    chosen = {"heads": [3], "selected_classes": ["beta"], "exact_sinks": 0}
    _, sequences = run_analysis("attention_flow", run, **PARAMS | chosen)
    assert set(sequences["class"]) == {"beta"}
    assert sequences["flow_exact"].isna().all()


@absent("attention_flow", "heads", "selected_classes")
def test_what_does_not_exist_is_named(run, key, value, message):
    with pytest.raises(InputError, match=message):
        run_analysis("attention_flow", run, **PARAMS, **{key: value})


def test_figure(run, tables):
    domains = pd.DataFrame({"name": ["head", "tail"], "first": [0.5, 6.5], "last": [6.5, 12.5]})
    mutations = pd.DataFrame({"class": ["alpha"], "name": ["N4Y"], "first": [3], "last": [4]})
    table, _, layers = tables
    figure = draw_attention_flow(table, layers, domains, mutations, CLASSES, CLASSES, 0)
    assert figure.get_suptitle().endswith("n = 3 distinct sequences; no sequence of gamma")
    assert [text.get_text() for text in figure.axes[0].texts] == ["N4Y", "head", "tail"]
    without, _ = run_analysis("attention_flow", run, **PARAMS | {"exact_sinks": 0})
    assert (
        "gap" not in draw_attention_flow(without, layers, domains, mutations, CLASSES, CLASSES, 3).axes[2].get_title()
    )
