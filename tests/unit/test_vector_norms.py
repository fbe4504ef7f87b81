"""Vector norms: lengths that follow from the attention alone, a naive computation, the bounds, and the script."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from spikegeometry.errors import InputError
from spikegeometry.figures.vector_norms import draw_vector_norms
from spikegeometry.geometry.heads import HeadTensors, head_tensors
from spikegeometry.geometry.vector_norms import (
    STATISTICS,
    Norms,
    statistics,
    stretches,
    vector_norms,
)
from spikegeometry.model.weights import read_layers, read_shape
from tiny_run import CLASSES, absent, random_bert, run_analysis, write_small_run

N, WIDTH = 12, 4
ALL = slice(None)


def of_attention(attention, values):
    """Norms of one head with this attention and these values, whose weights are the unit matrix without bias."""
    layer = {f"{name}.weight": torch.eye(WIDTH) for name in ("query", "key", "value")}
    layer |= {f"{name}.bias": torch.zeros(WIDTH) for name in ("query", "key", "value")}
    heads = values[None]
    z = attention[None] @ heads
    tensors = HeadTensors(heads, heads, heads, attention[None], z, z[0], z[0], z[0])
    return vector_norms(values, tensors, layer, stretches(layer, 1), [0])


def random_values():
    return torch.randn(N, WIDTH, generator=torch.Generator().manual_seed(0))


def test_even_attention_gives_the_length_of_the_mean():
    values = random_values()
    norms = of_attention(torch.full((N, N), 1 / N), values)
    expected = values.mean(dim=0).norm().item()
    assert norms["Z"].length[0].tolist() == pytest.approx([expected] * N, rel=1e-5)
    assert norms["A"].length[0].tolist() == pytest.approx([1] * N)


def test_attention_to_oneself_keeps_the_lengths():
    norms = of_attention(torch.eye(N), random_values())
    assert torch.equal(norms["Z"].length, norms["V"].length)
    assert statistics(norms["Z"], norms["A"], ALL)["bound_share_max"].item() == 1


def test_opposite_values_cancel():
    values = torch.eye(WIDTH)[0] * torch.tensor([1.0, -1.0] * (N // 2)).unsqueeze(1)
    norms = of_attention(torch.full((N, N), 1 / N), values)
    assert norms["Z"].length.max().item() == pytest.approx(0, abs=1e-6)
    assert norms["V"].length[0].tolist() == pytest.approx([1] * N)


def test_one_column_receives_all():
    norms = of_attention(torch.eye(N)[[3] * N], random_values())
    received = norms["A"].length[0]
    assert (received[3].item(), received.sum().item()) == (N, N)
    assert norms["A"].share.max().item() == 1
    assert norms["Z"].length[0].tolist() == [norms["V"].length[0, 3].item()] * N


def test_unit_weights_use_the_whole_bound():
    norms = of_attention(torch.eye(N), random_values())
    for site in "QKV":
        assert norms[site].sigma_1.tolist() == pytest.approx([1])
        assert norms[site].share[0].tolist() == pytest.approx([1] * N, rel=1e-6)
    # The longest query meets itself as a key.
    assert norms["S"].share.max().item() == pytest.approx(1, rel=1e-6)


def test_zero_vectors():
    norms = of_attention(torch.full((N, N), 1 / N), torch.zeros(N, WIDTH))
    for site in "XQKVZS":
        found = statistics(norms[site], norms["A"], ALL)
        assert (found["mean"].max().item(), found["max"].max().item()) == (0, 0)
        assert all(found[name].isnan().all() for name in ("cv", "bound_share", "bound_share_max"))


@pytest.fixture(scope="module")
def block(tmp_path_factory):
    """Input, weights and tensors of a block with random biases, and its number of heads."""
    folder = tmp_path_factory.mktemp("bert")
    random_bert(layers=1, heads=4, width=16, classes=2).save_pretrained(folder)
    shape, layer = read_shape(folder), read_layers(folder)[0]
    hidden = torch.randn(15, 16, generator=torch.Generator().manual_seed(1))
    return hidden, layer, head_tensors(hidden, layer, shape.heads, shape.eps), shape.heads


def test_against_naive_computation(block):
    hidden, layer, tensors, heads = block
    rows = [3, 0]
    norms = vector_norms(hidden, tensors, layer, stretches(layer, heads), rows)
    x = hidden.double().numpy()
    for place, head in enumerate(rows):
        own = slice(4 * head, 4 * head + 4)
        vectors = {}
        for site, name in {"Q": "query", "K": "key", "V": "value"}.items():
            weight = layer[f"{name}.weight"].double().numpy()[own]
            bias = layer[f"{name}.bias"].double().numpy()[own]
            vectors[site] = x @ weight.T + bias
            sigma = np.linalg.svd(weight)[1][0]
            for token in range(len(x)):
                size = math.sqrt(sum(x[token] ** 2))
                share = math.sqrt(sum((weight @ x[token]) ** 2)) / (sigma * size)
                assert norms[site].length[place, token].item() == pytest.approx(np.linalg.norm(vectors[site][token]))
                assert norms[site].share[place, token].item() == pytest.approx(share, abs=1e-6)
                bound = sigma * size + np.linalg.norm(bias)
                assert norms[site].bound[place, token].item() == pytest.approx(bound)
        scores = vectors["Q"] @ vectors["K"].T / 2
        attention = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        outputs = np.linalg.norm(attention @ vectors["V"], axis=1)
        assert norms["Z"].length[place].numpy() == pytest.approx(outputs, rel=1e-5)
        assert norms["S"].length[place].numpy() == pytest.approx(abs(scores).max(axis=1), rel=1e-5)
        assert norms["A"].length[place].numpy() == pytest.approx(attention.sum(axis=0), rel=1e-5)
    assert norms["X"].length.numpy() == pytest.approx(np.linalg.norm(x, axis=1))
    for site in "QKVZSA":
        assert (norms[site].length <= norms[site].bound * (1 + 1e-6)).all()
        assert (norms[site].share <= 1 + 1e-6).all()


@pytest.mark.parametrize(("part", "factor"), [("q", 20), ("v", 20), ("z", 20), ("attention", 20)])
def test_what_breaks_a_bound_is_found(block, part, factor):
    hidden, layer, tensors, heads = block
    broken = replace(tensors, **{part: getattr(tensors, part) * factor})
    with pytest.raises(ArithmeticError, match="exceeds its bound"):
        vector_norms(hidden, broken, layer, stretches(layer, heads), list(range(heads)))


def test_statistics_against_numpy():
    generator = torch.Generator().manual_seed(2)
    length = torch.rand(3, 25, generator=generator, dtype=torch.float64) + 0.1
    share = torch.rand(3, 25, generator=generator, dtype=torch.float64)
    share[:, 4] = torch.nan
    none = torch.full((3,), torch.nan)
    received = Norms(torch.rand(3, 25, generator=generator, dtype=torch.float64), length, share, none)
    found = statistics(Norms(length, 2 * length, share, none), received, slice(1, -1))
    for row in range(3):
        values, shares = length[row, 1:-1].numpy(), share[row, 1:-1].numpy()
        expected = {
            "mean": values.mean(),
            "sd": values.std(),
            "min": values.min(),
            "max": values.max(),
            "cv": values.std() / values.mean(),
            "p05": np.percentile(values, 5),
            "p95": np.percentile(values, 95),
            "bound": 2 * values.mean(),
            "bound_share": np.nanmean(shares),
            "bound_share_max": np.nanmax(shares),
            "attention_correlation": stats.spearmanr(values, received.length[row, 1:-1]).statistic,
        }
        assert {name: found[name][row].item() for name in expected} == pytest.approx(expected, abs=1e-12)
    assert found.keys() == set(STATISTICS)


# The script

OUTPUTS = {"tokens": "tokens.parquet"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_small_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def tables(run):
    return run_analysis("vector_norms", run, OUTPUTS)


@pytest.fixture(scope="module")
def tokens(run, tables):
    return pd.read_parquet(run / OUTPUTS["tokens"])


def test_table_of_sequences(run, tables):
    _, sequences = tables
    # Per layer: X, and six sites of four heads; two variants.
    assert len(sequences) == 4 * 2 * (1 + 6 * 4) * 2
    hidden = np.load(run / "activations/hidden_states.npy").astype(float)
    for variant, inner in {"all": ALL, "without_special": slice(1, -1)}.items():
        rows = sequences[(sequences[["site", "layer", "variant"]] == ["X", 2, variant]).all(axis=1)]
        for number, length in enumerate((14, 11, 14, 12)):
            lengths = np.linalg.norm(hidden[number, 1, :length][inner], axis=1)
            assert rows["mean"].iloc[number] == pytest.approx(lengths.mean())
            assert rows["p95"].iloc[number] == pytest.approx(np.percentile(lengths, 95))


def test_table_of_classes(tables):
    table, sequences = tables
    place = {"site": "Z", "layer": 1, "head": 3, "variant": "all"}
    rows = table[(table[[*place, "statistic"]] == [*place.values(), "mean"]).all(axis=1)].set_index("class")
    assert rows["n"].to_dict() == {"alpha": 2, "beta": 1, "all": 3}
    values = sequences[(sequences[list(place)] == list(place.values())).all(axis=1)].set_index("sequence")["mean"]
    assert rows.loc["alpha", "value"] == pytest.approx((values["alpha/0"] + values["alpha/1"]) / 2, rel=1e-5)
    assert rows.loc["beta", ["low", "high"]].isna().all()
    measured = set(zip(table["site"], table["statistic"], strict=True))
    assert {("V", "sigma_1"), ("K", "attention_correlation"), ("S", "bound_share")} <= measured
    assert not {("X", "bound"), ("Z", "sigma_1"), ("A", "attention_correlation")} & measured


def test_table_of_tokens(run, tokens):
    # The twins count once; the last token of each sequence is [SEP], wherever it stands.
    counts = tokens[(tokens["site"] == "X") & (tokens["layer"] == 1)].set_index("token")["n"]
    assert counts.to_dict() == {-1: 3, 0: 3} | dict.fromkeys(range(1, 10), 3) | {10: 2, 11: 1, 12: 1}
    hidden = np.load(run / "activations/hidden_states.npy").astype(float)
    last = [np.linalg.norm(hidden[i, 0, length - 1]) for i, length in ((0, 14), (1, 11), (3, 12))]
    row = tokens[(tokens[["site", "layer", "token"]] == ["X", 1, -1]).all(axis=1)]
    assert row["value"].item() == pytest.approx(np.mean(last))
    assert set(tokens.loc[tokens["site"] == "V", "head"]) == {1, 2, 3, 4}


def test_selection(run):
    table, sequences = run_analysis("vector_norms", run, OUTPUTS, layers=[2], heads=[4, 1], selected_classes=["beta"])
    assert set(sequences["class"]) == {"beta"}
    assert set(table["layer"]) == {2}
    assert set(table["head"].dropna()) == {1, 4}


@absent("vector_norms")
def test_what_does_not_exist_is_named(run, key, value, message):
    with pytest.raises(InputError, match=message):
        run_analysis("vector_norms", run, OUTPUTS, **{key: value})


def test_figure(tables, tokens):
    figure = draw_vector_norms(tables[0], tokens, CLASSES)
    assert figure.get_suptitle().endswith("n = 3 distinct sequences; no sequence of gamma")
    assert [axis.get_title() for axis in figure.axes[:3]] == ["Inputs X", "Queries Q", "Keys K"]
