"""Singular values: matrices whose spectrum is known by hand, numpy's decomposition, the bounds, and the script."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from spikegeometry.errors import InputError
from spikegeometry.figures.singular_values import draw_singular_values
from spikegeometry.geometry.heads import head_tensors, head_weights
from spikegeometry.geometry.singular_values import BIN_EDGES, Spectrum, check_bounds, histogram, spectrum, statistics
from spikegeometry.geometry.spectra import singular_values
from spikegeometry.model.weights import read_layers, read_shape
from spikegeometry.tables import read_tsv
from tiny_run import CLASSES, absent, run_analysis, write_small_run

N = 40
EPS = float(np.finfo(np.float32).eps)
THRESHOLD = 1e-3


def one(matrix, threshold=THRESHOLD):
    return {name: value.item() for name, value in statistics(spectrum(matrix), threshold).items()}


def blocks(n, count):
    return torch.block_diag(*[torch.full((n // count, n // count), count / n)] * count)


@pytest.mark.parametrize(
    ("matrix", "sigma_1", "rank", "stable", "effective"),
    [
        (torch.eye(N), 1, N, N, N),
        (torch.full((N, N), 1 / N), 1, 1, 1, 1),
        (torch.eye(N)[[3] * N], math.sqrt(N), 1, 1, 1),
        (blocks(N, 4), 1, 4, 4, 4),
        (torch.eye(N).roll(1, 0), 1, N, N, N),
    ],
    ids=("self", "uniform", "one column", "four blocks", "previous token"),
)
def test_known_attention(matrix, sigma_1, rank, stable, effective):
    found = one(matrix)
    assert found["sigma_1"] == pytest.approx(sigma_1, rel=1e-6)
    assert (found["rank"], found["relative_rank"]) == (rank, rank)
    assert found["stable_rank"] == pytest.approx(stable, rel=1e-5)
    assert found["effective_rank"] == pytest.approx(effective, rel=1e-5)
    assert found["small_share"] == pytest.approx(1 - rank / N)


def test_two_singular_values():
    found = one(torch.diag(torch.tensor([3.0, -1.0])))
    assert (found["sigma_1"], found["sigma_min"]) == (pytest.approx(3), pytest.approx(1))
    assert found["stable_rank"] == pytest.approx(10 / 9)
    assert found["effective_rank"] == pytest.approx(4 / 3**0.75)
    assert found["ratio_max_min"] == found["ratio_second_min"] == pytest.approx(3)


@pytest.mark.parametrize("shape", [(30, 30), (30, 7), (7, 30)], ids=("square", "tall", "wide"))
def test_against_numpy(shape):
    matrices = torch.randn(3, *shape, generator=torch.Generator().manual_seed(1))
    expected = np.linalg.svd(matrices.double().numpy(), compute_uv=False)
    np.testing.assert_allclose(singular_values(matrices).numpy(), expected, atol=1e-6)
    found = statistics(spectrum(matrices), 0.2)
    for number, sigma in enumerate(expected):
        small = sum(value <= 0.2 * sigma[0] for value in sigma)
        assert found["relative_rank"][number].item() == len(sigma) - small
        assert found["small_share"][number].item() == pytest.approx(small / len(sigma))
        assert found["effective_rank"][number].item() == pytest.approx(math.exp(stats.entropy(sigma)), rel=1e-6)
        assert found["stable_rank"][number].item() == pytest.approx(sum(sigma**2) / sigma[0] ** 2, rel=1e-6)
        assert found["ratio_max_min"][number].item() == pytest.approx(sigma[0] / sigma[-1], rel=1e-6)
        assert found["ratio_second_min"][number].item() == pytest.approx(sigma[-2] / sigma[-1], rel=1e-6)


def test_scale_does_not_matter():
    matrix = torch.randn(12, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    plain, scaled = one(matrix, 0.3), one(1e-6 * matrix, 0.3)
    for name in plain.keys() - {"sigma_1", "sigma_min"}:
        assert scaled[name] == pytest.approx(plain[name], rel=1e-6)
    assert scaled["sigma_1"] == pytest.approx(1e-6 * plain["sigma_1"])


def test_rank_is_of_what_float32_resolves():
    values = torch.randn(50, 6, generator=torch.Generator().manual_seed(3))
    noisy = torch.cat([values, values.sum(dim=1, keepdim=True)], dim=1)
    found = one(noisy)
    assert found["rank"] == 6
    assert math.isnan(found["ratio_max_min"])


def test_zero_matrix():
    found = one(torch.zeros(4, 3))
    assert (found["sigma_1"], found["rank"], found["relative_rank"], found["small_share"]) == (0, 0, 0, 1)
    assert all(math.isnan(found[name]) for name in ("stable_rank", "effective_rank", "ratio_max_min"))
    assert histogram(spectrum(torch.zeros(4, 3)))["share"][0] == 1


def test_one_column():
    found = one(torch.ones(9, 1))
    assert (found["sigma_1"], found["ratio_max_min"]) == (pytest.approx(3), pytest.approx(1))
    assert math.isnan(found["ratio_second_min"])


def test_histogram():
    sigma = torch.tensor([[1, 0.9, 2e-3, 1e-9], [10, 10, 0.5e-5, 0]], dtype=torch.float64)
    shares = histogram(Spectrum(sigma, resolution=1e-7))
    assert shares["share"].sum() == pytest.approx(1)
    held = {i: round(8 * share) for i, share in enumerate(shares["share"].tolist()) if share}
    # In the last bin: 1, 0.9 and twice 10; the small ones are 2e-3 and 5e-7 of their largest.
    assert held == {0: 2, 1: 1, BIN_EDGES.index(next(edge for edge in BIN_EDGES if edge >= 2e-3)): 1, 60: 4}


# Bounds


def softmax_head(seed, n=30, width=8, sharpness=3.0):
    generator = torch.Generator().manual_seed(seed)
    attention = torch.softmax(sharpness * torch.randn(5, n, n, generator=generator), dim=-1)
    values = torch.randn(5, n, width, generator=generator)
    return attention, values


@pytest.mark.parametrize("sharpness", [0, 0.1, 3, 100], ids=("uniform", "flat", "sharp", "one-hot"))
def test_bounds_hold(sharpness):
    for seed in range(5):
        attention, values = softmax_head(seed, sharpness=sharpness)
        check_bounds(spectrum(attention), spectrum(values), spectrum(attention @ values))


def test_rank_of_the_output_of_uniform_attention():
    _, values = softmax_head(0)
    outputs = torch.full((30, 30), 1 / 30) @ values
    assert statistics(spectrum(outputs), THRESHOLD)["rank"].tolist() == [1] * 5


def test_constant_values_pass_through_any_attention():
    attention, values = softmax_head(1)
    assert torch.allclose(attention @ torch.ones_like(values), torch.ones_like(values), atol=1e-6)


def test_rank_relative_to_the_largest_can_grow_from_attention_to_output():
    attention = (1 - 1e-7) * torch.full((3, 3), 1 / 3, dtype=torch.float64) + 1e-7 * torch.eye(3, dtype=torch.float64)
    values = torch.tensor([[1, 1], [-1, 1], [0, -2]], dtype=torch.float64)
    outputs = attention @ values
    assert (one(attention)["rank"], one(outputs)["rank"]) == (1, 2)
    check_bounds(*(spectrum(matrix[None]) for matrix in (attention, values, outputs)))


@pytest.mark.parametrize("part", ["attention", "values", "outputs"])
def test_what_breaks_a_bound_is_found(part):
    attention, values = softmax_head(2)
    matrices = {"attention": attention, "values": values, "outputs": attention @ values}
    matrices[part] = matrices[part] * (0.2 if part == "values" else 10)
    with pytest.raises(ArithmeticError, match="The bound"):
        check_bounds(*map(spectrum, matrices.values()))


# The script

PARAMS = {"threshold": 0.1}
OUTPUTS = {"histograms": "histograms.tsv"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_small_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def tables(run):
    return run_analysis("singular_values", run, OUTPUTS, **PARAMS)


@pytest.fixture(scope="module")
def histograms(run, tables):
    return read_tsv(run / OUTPUTS["histograms"])


def test_table_of_sequences(run, tables):
    _, sequences = tables
    # Per layer: A, V and Z of four heads, and Y.
    assert len(sequences) == 4 * 2 * (3 * 4 + 1)
    states = torch.from_numpy(np.load(run / "activations/hidden_states.npy"))
    shape, layers = read_shape(run / "model"), read_layers(run / "model")
    for number, length in enumerate((14, 11, 14, 12)):
        tensors = head_tensors(states[number, 1, :length], layers[1], shape.heads, shape.eps)
        matrices = {"A": tensors.attention[2], "V": tensors.v[2], "Z": tensors.z[2], "Y": states[number, 2, :length]}
        for site, matrix in matrices.items():
            sigma = np.linalg.svd(matrix.double().numpy(), compute_uv=False)
            of_site = (sequences["layer"] == 2) & (sequences["site"] == site)
            if site != "Y":
                of_site &= sequences["head"] == 3
            row = sequences[of_site].iloc[number]
            assert row["sigma_1"] == pytest.approx(sigma[0], rel=1e-6)
            assert row["rank"] == sum(sigma > max(matrix.shape) * EPS * sigma[0])
            assert row["relative_rank"] == sum(sigma > 0.1 * sigma[0])


def test_table_of_classes(tables):
    table, sequences = tables
    place = {"site": "Z", "layer": 1, "head": 3, "statistic": "sigma_1"}
    rows = table[(table[list(place)] == list(place.values())).all(axis=1)].set_index("class")
    assert rows["n"].to_dict() == {"alpha": 2, "beta": 1, "all": 3}
    of_place = (sequences[["site", "layer", "head"]] == ["Z", 1, 3]).all(axis=1)
    values = sequences[of_place].set_index("sequence")["sigma_1"]
    assert rows.loc["alpha", "value"] == pytest.approx((values["alpha/0"] + values["alpha/1"]) / 2, rel=1e-5)
    assert rows.loc["beta", ["low", "high"]].isna().all()


def test_weights_are_measured_once(run, tables):
    table, sequences = tables
    rows = table[table["site"] == "W_v"]
    assert set(rows["class"]) == {"all"} and set(rows["n"]) == {1} and rows["low"].isna().all()
    assert "W_v" not in set(sequences["site"])
    weights = head_weights(read_layers(run / "model")[1], "value", 4)[3].double().numpy()
    place = (rows[["layer", "head", "statistic"]] == [2, 4, "sigma_min"]).all(axis=1)
    assert rows.loc[place, "value"].item() == pytest.approx(np.linalg.svd(weights)[1][-1], rel=1e-5)


def test_table_of_histograms(histograms):
    sums = histograms.groupby(["class", "layer", "site"])["value"].sum()
    assert sums.to_numpy() == pytest.approx(1, abs=1e-4)
    assert set(sums.index.get_level_values("site")) == {"A", "V", "Z", "Y", "W_v"}


def test_selection(run):
    table, sequences = run_analysis(
        "singular_values", run, OUTPUTS, **PARAMS, layers=[2], heads=[4, 1], selected_classes=["beta"]
    )
    assert set(sequences["class"]) == {"beta"}
    assert set(table["layer"]) == {2}
    assert set(table["head"].dropna()) == {1, 4}


@absent("singular_values")
def test_what_does_not_exist_is_named(run, key, value, message):
    with pytest.raises(InputError, match=message):
        run_analysis("singular_values", run, OUTPUTS, **PARAMS, **{key: value})


def test_figure(tables, histograms):
    figure = draw_singular_values(tables[0], histograms, CLASSES, PARAMS["threshold"])
    assert figure.get_suptitle().endswith("n = 3 distinct sequences; no sequence of gamma")
    maps = [axis for axis in figure.axes if axis.get_title().startswith("Effective rank of")]
    numbers = [int(text.get_text()) for axis in maps for text in axis.texts]
    assert len(maps) == 2 and len(numbers) == 2 * 2 * 4 and all(1 <= number <= 14 for number in numbers)


def test_ranks_that_are_alike_are_said_and_not_mapped(tables, histograms):
    table = tables[0]
    alike = table.assign(value=table["value"].where(table["statistic"] != "effective_rank", 5.2))
    figure = draw_singular_values(alike, histograms, CLASSES, PARAMS["threshold"])
    titles = [axis.get_title() for axis in figure.axes]
    assert "Effective rank: a head a point, mean as a line\nthe same everywhere: A 5, V 5, Z 5, $W_v$ 5, Y 5" in titles
    said = [text.get_text() for axis in figure.axes for text in axis.texts]
    assert said == ["5.2 to 5.2 in every head: no map"] * 2
