"""Cone index: sets whose index is known by hand, a naive computation, random directions, and the script."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from transformers import BertForSequenceClassification

from spikegeometry.errors import InputError
from spikegeometry.figures.cone_index import draw_cone_index
from spikegeometry.geometry.cone_index import (
    STATISTICS,
    cone_variants,
    silence_rogue,
    token_cone_variants,
)
from spikegeometry.geometry.cones import centre, cone_index
from tiny_run import CLASSES, absent, run_analysis, write_small_run

V = torch.tensor([0.3, -2.0, 0.5])
E1, E2 = torch.eye(2)


@pytest.mark.parametrize(
    ("vectors", "length", "cosine"),
    [
        (V.repeat(7, 1), 7, 1),
        (torch.stack([V, -V] * 4), 0, -1 / 7),
        (torch.eye(9), 3, 0),
        (torch.stack([E1, E1, E1, E2]), math.sqrt(10), 0.5),
        (torch.full((40, 40), 1 / 40), 40, 1),
        (torch.eye(40)[[7] * 40], 40, 1),
    ],
    ids=("identical", "opposite", "orthogonal", "three and one", "rows of uniform attention", "rows of one column"),
)
def test_known_sets(vectors, length, cosine):
    cone = cone_index(vectors)
    n = len(vectors)
    assert cone.C.item() == pytest.approx(length, abs=1e-5)
    assert cone.R.item() == pytest.approx(length / n, abs=1e-6)
    assert cone.mean_cosine.item() == pytest.approx(cosine, abs=1e-6)
    assert cone.n.item() == n
    assert cone.zero_vectors.item() == 0


def naive(vectors):
    """Sum of unit vectors and mean over pairs of cosines, one vector and one pair at a time."""
    units = [vector / math.sqrt(sum(x * x for x in vector)) for vector in vectors if any(vector)]
    total = math.sqrt(sum(x * x for x in sum(units)))
    cosines = [float(a @ b) for i, a in enumerate(units) for j, b in enumerate(units) if i != j]
    return total, np.mean(cosines)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_against_naive_computation(dtype):
    vectors = torch.randn(3, 23, 11, generator=torch.Generator().manual_seed(1), dtype=dtype) + 0.4
    vectors[1, 4] = 0
    cone = cone_index(vectors)
    for number, several in enumerate(vectors.double().numpy()):
        total, cosine = naive(several)
        assert cone.R[number].item() == pytest.approx(total / np.any(several, axis=1).sum(), abs=1e-6)
        assert cone.mean_cosine[number].item() == pytest.approx(cosine, abs=1e-6)


def test_length_of_the_vectors_does_not_matter():
    generator = torch.Generator().manual_seed(2)
    vectors = torch.randn(30, 8, generator=generator, dtype=torch.float64)
    scaled = vectors * torch.logspace(-9, 9, 30, dtype=torch.float64).unsqueeze(1)
    assert cone_index(scaled).C.item() == pytest.approx(cone_index(vectors).C.item(), abs=1e-12)


def test_zero_vectors_are_left_out_and_counted():
    vectors = torch.stack([E1, torch.zeros(2), E1, E1, E2])
    cone = cone_index(vectors)
    assert (cone.n.item(), cone.zero_vectors.item()) == (4, 1)
    assert cone.C.item() == pytest.approx(math.sqrt(10))
    empty = cone_index(torch.zeros(3, 2))
    assert (empty.C.item(), empty.n.item(), empty.zero_vectors.item()) == (0, 0, 3)
    assert all(math.isnan(getattr(empty, name).item()) for name in ("R", "R_random", "C_random", "mean_cosine"))


def test_one_vector():
    cone = cone_index(V.unsqueeze(0))
    assert (cone.C.item(), cone.R.item()) == (pytest.approx(1), pytest.approx(1))
    assert math.isnan(cone.mean_cosine.item())


@pytest.mark.parametrize(("dimensions", "expected", "sd"), [(768, 20.633, 0.527), (64, 20.559, 1.82)])
def test_random_floor_by_formula(dimensions, expected, sd):
    n = 426
    cone = cone_index(torch.ones(n, dimensions))
    assert cone.C_random.item() == pytest.approx(expected, abs=5e-4)
    assert cone.R_random.item() == pytest.approx(expected / n, abs=2e-6)
    # The law is nearly normal: the interval is 1.96 standard deviations on either side.
    half = n * (cone.R_random_high - cone.R_random_low).item() / 2
    assert half / stats.norm.ppf(0.975) == pytest.approx(sd, rel=0.01)


def test_random_floor_by_simulation():
    sets, n, dimensions = 4000, 60, 16
    vectors = torch.randn(sets, n, dimensions, generator=torch.Generator().manual_seed(3))
    cone = cone_index(vectors)
    error = cone.R.std().item() / math.sqrt(sets)
    assert cone.R.mean().item() == pytest.approx(cone.R_random[0].item(), abs=4 * error)
    inside = cone.R.gt(cone.R_random_low) & cone.R.lt(cone.R_random_high)
    assert inside.double().mean().item() == pytest.approx(0.95, abs=0.015)
    assert cone.mean_cosine.mean().item() == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_random_floor_of_centred_vectors_by_simulation(spread):
    """Normal vectors, and vectors whose norms vary by more, as the norms of [CLS] and of k-mers do."""
    sets, n, dimensions = 400, 120, 32
    generator = torch.Generator().manual_seed(7)
    vectors = torch.randn(sets, n, dimensions, generator=generator, dtype=torch.float64)
    vectors *= torch.exp(spread * torch.randn(sets, n, 1, generator=generator, dtype=torch.float64))
    cone = cone_index(centre(vectors), centred=True)
    assert cone.R.mean().item() == pytest.approx(cone.R_random.mean().item(), rel=0.05)
    inside = cone.R.gt(cone.R_random_low) & cone.R.lt(cone.R_random_high)
    assert inside.double().mean().item() > 0.9


def test_random_floor_of_centred_vectors_by_hand():
    """426 normal vectors of 128 dimensions: 1 / sqrt(2 d) of the floor of 1 / sqrt(n), 0.003 instead of 0.048."""
    vectors = torch.randn(426, 128, generator=torch.Generator().manual_seed(8), dtype=torch.float64)
    assert cone_index(vectors).R_random.item() == pytest.approx(0.0484, abs=2e-4)
    floor = cone_index(centre(vectors), centred=True).R_random.item()
    assert floor == pytest.approx(1 / math.sqrt(426 * 2 * 128), rel=0.1)


def test_centring():
    vectors = torch.randn(50, 6, generator=torch.Generator().manual_seed(4)) + 5
    assert cone_index(vectors).R.item() > 0.9
    # Not 0, because the centred vectors differ in length.
    assert 1e-4 < cone_index(centre(vectors)).R.item() < 0.2
    noise = 1e-7 * torch.randn(9, 3, generator=torch.Generator().manual_seed(5))
    assert cone_index(centre(V * (1 + noise))).zero_vectors.item() == 9


def test_centre_is_the_mean_vector():
    assert centre(torch.tensor([[1.0, 10], [3, 30]])).tolist() == [[-1, -10], [1, 10]]


def test_rogue_coordinates_are_as_if_they_were_not_there():
    vectors = torch.randn(2, 40, 10, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    vectors[0, :, 3] *= 50
    vectors[1, :, 8] = 50 + 20 * vectors[1, :, 8]
    rest = [vectors[0][:, [0, 1, 2, 4, 5, 6, 7, 8, 9]], vectors[1][:, [0, 1, 2, 3, 4, 5, 6, 7, 9]]]
    cone = cone_variants(vectors, rogue_coordinates=1)["without_rogue"]
    for number, several in enumerate(rest):
        expected = cone_index(several)
        for name in STATISTICS:
            assert getattr(cone, name)[number].item() == pytest.approx(getattr(expected, name).item(), abs=1e-12)
    assert torch.equal(silence_rogue(vectors, 0), vectors)
    assert not silence_rogue(vectors, 11).any()


def test_special_tokens_are_the_first_and_last():
    vectors = torch.stack([-V, V, V, -V])
    cones = token_cone_variants(vectors, rogue_coordinates=0)
    assert cones["all"].C.item() == pytest.approx(0, abs=1e-6)
    assert cones["without_special"].C.item() == pytest.approx(2)


# The script

PARAMS = {"rogue_coordinates": 2}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_small_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def tables(run):
    return run_analysis("cone_index", run, **PARAMS)


def test_table_of_sequences(run, tables):
    _, sequences = tables
    # Per layer: four heads and five other sites, and two before the first; four variants.
    assert len(sequences) == 4 * (2 * (4 + 5) + 2) * 4
    hidden = np.load(run / "activations/hidden_states.npy")
    wanted = (sequences["site"] == "output") & (sequences["variant"] == "without_special") & (sequences["layer"] == 2)
    for number, length in enumerate((14, 11, 14, 12)):
        row = sequences[wanted].iloc[number]
        total, cosine = naive(hidden[number, 2, 1 : length - 1].astype(float))
        assert (row["C"], row["mean_cosine"]) == (pytest.approx(total, abs=1e-5), pytest.approx(cosine, abs=1e-6))
        assert row["n"] == length - 2


def test_table_of_classes(tables):
    table, sequences = tables
    place = {"site": "head", "layer": 1, "head": 3, "variant": "centred", "statistic": "R", "axis": "tokens"}
    rows = table[(table[list(place)] == list(place.values())).all(axis=1)].set_index("class")
    assert list(rows.index) == ["alpha", "beta", "all"]
    del place["statistic"]
    values = sequences[(sequences[list(place)] == list(place.values())).all(axis=1)].set_index("sequence")["R"]
    assert values["alpha/0"] == values["alpha/2"]
    first, second = values["alpha/0"], values["alpha/1"]
    # The twins count once, and there is no interval of fewer than three.
    assert rows.loc["alpha", "value"] == pytest.approx((first + second) / 2, rel=1e-5)
    assert rows["n"].to_dict() == {"alpha": 2, "beta": 1, "all": 3}
    assert rows.loc[["alpha", "beta"], ["low", "high"]].isna().all(axis=None)
    # With three values Student's interval is 4.3027 standard errors to either side, here of the logit.
    three = np.array([first, second, values["beta/3"]])
    mean, error = three.mean(), three.std(ddof=1) / np.sqrt(3)
    half = 4.302653 * error / (mean * (1 - mean))
    expected = [1 / (1 + np.exp(-(np.log(mean / (1 - mean)) + side * half))) for side in (-1, 1)]
    assert rows.loc["all", ["low", "high"]].tolist() == pytest.approx(expected, rel=1e-4)


def test_table_of_classes_across_sequences(run, tables):
    table, _ = tables
    rows = table[(table["axis"] == "sequences") & (table["variant"] == "all")]
    cosines = rows[rows["statistic"] == "mean_cosine"].set_index(["site", "layer", "class"])["value"]
    cls = np.load(run / "activations/cls.npy").astype(float)
    # [CLS] is embedded alike in every sequence; one sequence has no pairs.
    assert cosines["cls", 0, "all"] == pytest.approx(1)
    # The twins of alpha, the first and the third sequence, count once.
    assert cosines["cls", 2, "alpha"] == pytest.approx(naive(cls[:2, 2])[1], abs=1e-6)
    assert ("cls", 2, "beta") not in cosines.index
    assert set(rows["site"]) == {"cls", "pooled", "logits", "softmax"}
    outputs = pd.read_parquet(run / "predictions.parquet").to_numpy(dtype=float)
    softmax = rows[rows["site"] == "softmax"]
    value = softmax[(softmax["class"] == "all") & (softmax["statistic"] == "mean_cosine")]["value"].item()
    distinct = [0, 1, 3]
    assert value == pytest.approx(naive(outputs[distinct])[1], abs=1e-5)
    model = BertForSequenceClassification.from_pretrained(run / "model")
    with torch.no_grad():
        pooled = torch.tanh(model.bert.pooler.dense(torch.from_numpy(cls[:, -1]).float()))
        logits = model.classifier(pooled)
    for site, vectors in {"pooled": pooled, "logits": logits}.items():
        value = rows[(rows["class"] == "all") & (rows["site"] == site) & (rows["statistic"] == "R")]["value"].item()
        assert value == pytest.approx(naive(vectors.double().numpy()[distinct])[0] / 3, abs=1e-5)
    assert set(softmax["statistic"]) == {"C", "R", "mean_cosine", "zero_vectors"}
    assert set(table["class"]) == {"alpha", "beta", "all"}


def test_embeddings_before_their_normalisation(run, tables):
    _, sequences = tables
    rows = sequences[(sequences["layer"] == 0) & (sequences["variant"] == "all")].set_index(["sequence", "site"])
    parts = BertForSequenceClassification.from_pretrained(run / "model").bert.embeddings
    ids = torch.from_numpy(np.load(run / "activations/tokens.npy"))[1, :11].long()  # the second, of eleven tokens
    with torch.no_grad():
        word = parts.word_embeddings(ids)
        whole = word + parts.position_embeddings(torch.arange(11)) + parts.token_type_embeddings(torch.tensor(0))
        hidden = torch.from_numpy(np.load(run / "activations/hidden_states.npy"))[1, 0, :11]
    assert torch.allclose(parts.LayerNorm(whole), hidden, atol=1e-5)
    for site, vectors in {"embed_word": word, "embed_sum": whole}.items():
        assert rows.loc[("alpha/1", site), "C"] == pytest.approx(naive(vectors.double().numpy())[0], abs=1e-5)


def test_sites_of_a_block_are_those_of_the_model(run, tables):
    """What goes into the second block, what its attention makes of it, and what comes out."""
    _, sequences = tables
    rows = sequences[(sequences["sequence"] == "beta/3") & (sequences["variant"] == "all")]
    rows = rows[rows["site"] != "head"]
    found = rows.set_index(["layer", "site"])["C"]
    model = BertForSequenceClassification.from_pretrained(run / "model").eval()
    block, seen = model.bert.encoder.layer[1], {}
    block.register_forward_hook(lambda _, given, out: seen.update(input=given[0], output=out))
    block.attention.output.dense.register_forward_hook(lambda _, given, out: seen.update(concat=given[0], mha=out))
    block.attention.output.register_forward_hook(lambda _, given, out: seen.update(attn_out=out))
    ids = torch.from_numpy(np.load(run / "activations/tokens.npy"))[3:4, :12].long()  # of twelve tokens
    with torch.no_grad():
        model(ids)
    assert len(seen) == 5
    for site, vectors in seen.items():
        vectors = vectors[0] if isinstance(vectors, tuple) else vectors
        assert found[2, site] == pytest.approx(naive(vectors.reshape(12, -1).double().numpy())[0], abs=1e-4), site


def test_selection(run):
    table, sequences = run_analysis("cone_index", run, **PARAMS, layers=[2], heads=[4, 1], selected_classes=["beta"])
    assert set(sequences["class"]) == {"beta"}
    assert set(sequences["layer"]) == {0, 2}
    assert set(sequences["head"].dropna()) == {1, 4}
    assert set(table["layer"].dropna()) == {0, 2}


@absent("cone_index")
def test_what_does_not_exist_is_named(run, key, value, message):
    with pytest.raises(InputError, match=message):
        run_analysis("cone_index", run, **PARAMS, **{key: value})


def test_figure(tables):
    figure = draw_cone_index(*tables, CLASSES, CLASSES)
    assert figure.get_suptitle().endswith("n = 3 distinct sequences; no sequence of gamma")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "alpha (n = 2)",
        "beta (n = 1)",
        "all classes",
        "random directions (95%)",
    ]


def test_figure_of_many_classes(tables):
    """Names that overlap would be a fault of the figure."""
    names = [f"A.D.{number}" for number in range(1, 26)]
    table, sequences = (
        pd.concat([table, *(table[table["class"] == "alpha"].assign(**{"class": name}) for name in names)])
        for table in tables
    )
    figure = draw_cone_index(table, sequences, names, names)
    assert [label.get_text() for label in figure.axes[8].get_xticklabels()] == names
