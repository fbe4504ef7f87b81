"""Entropies of attention and metastable sizes: maps whose values are known, naive computations, and the script."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

from spikegeometry.errors import InputError
from spikegeometry.figures.attention_entropy import draw_attention_entropy
from spikegeometry.geometry.attention_entropy import (
    SHARES,
    UNDEFINED,
    histogram_entropy,
    metastable_sizes,
    paper_von_neumann_entropy,
    regimes,
    row_entropy,
    share_histogram,
    spread_variants,
    von_neumann_entropy,
)
from spikegeometry.model.activations import read_mean_attention
from tiny_run import CLASSES, absent, run_analysis, write_small_run

BLOCKS = np.kron(np.eye(4), np.full((10, 10), 0.1))


def maps(array, dtype=torch.float64):
    return torch.from_numpy(np.asarray(array)).to(dtype)[None]


def random_maps(heads, n, seed, sharpness=2.0):
    logits = np.random.default_rng(seed).normal(size=(heads, n, n)) * sharpness
    shares = np.exp(logits)
    return shares / shares.sum(axis=-1, keepdims=True)


# Row entropy, the paper's histogram entropy, Von Neumann entropy, the paper's Von Neumann entropy
KNOWN = {
    "uniform": (np.full((40, 40), 1 / 40), math.log(40), 0, 0, 0),
    "itself": (np.eye(4), 0, 0.5623, math.log(4), math.sqrt(4) * math.log(4) / 2),
    "itself, 512": (np.eye(512), 0, 0.0141, math.log(512), 70.58),
    "one column": (np.eye(40)[[7] * 40], 0, -math.log(1 / 40) / 40 - 39 / 40 * math.log(39 / 40), 0, 0),
    "four blocks": (BLOCKS, math.log(10), 0.5623, math.log(4), math.log(4)),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_maps(name):
    array, rows, histogram, density, paper = KNOWN[name]
    attention = maps(array)
    assert row_entropy(attention).numpy() == pytest.approx(rows, abs=1e-9)
    assert histogram_entropy(attention, 20).item() == pytest.approx(histogram, abs=5e-5)
    assert von_neumann_entropy(attention).item() == pytest.approx(density, abs=1e-9)
    assert von_neumann_entropy(attention.float()).item() == pytest.approx(density, abs=1e-4)
    assert paper_von_neumann_entropy(attention).item() == pytest.approx(paper, abs=5e-3)


def shannon(shares):
    return -sum(p * math.log(p) for p in shares if p > 0)


def naive_size(row, mass):
    total = 0
    for number, value in enumerate(sorted(row, reverse=True), start=1):
        total += value
        if total >= mass - 1e-6:
            return number
    return math.nan


def test_against_naive_computation():
    arrays = random_maps(heads=3, n=31, seed=1)
    attention = torch.from_numpy(arrays)
    for head, array in enumerate(arrays):
        singular = np.linalg.svd(array, compute_uv=False) ** 2
        moduli = np.abs(np.linalg.eigvals(array))
        counts = np.histogram(array, bins=20)[0]
        assert row_entropy(attention)[head].numpy() == pytest.approx([shannon(row) for row in array], abs=1e-12)
        assert von_neumann_entropy(attention)[head].item() == pytest.approx(
            shannon(singular / singular.sum()), abs=1e-9
        )
        assert paper_von_neumann_entropy(attention)[head].item() == pytest.approx(
            shannon(moduli / math.sqrt((moduli**2).sum())), abs=1e-9
        )
        assert histogram_entropy(attention, 20)[head].item() == pytest.approx(shannon(counts / counts.sum()), abs=1e-9)
        assert metastable_sizes(attention, 0.9)[head].tolist() == [naive_size(row, 0.9) for row in array]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_metastable_size_of_uniform_attention_of_any_length(dtype):
    """Rounding adds no key: without a tolerance, 9 of 10 keys of a tenth each would not reach 0.9."""
    for n in [*range(1, 130), 426, 512]:
        sizes = metastable_sizes(torch.full((1, 1, n), 1 / n, dtype=dtype), 0.9)
        assert sizes.item() == math.ceil(round(0.9 * n, 6)), n
    assert sizes.item() == 461
    assert metastable_sizes(torch.full((1, 1, 426), 1 / 426), 0.9).item() == 384


def test_metastable_size_of_single_rows():
    rows = [[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.05, 0.05, 0.1, 0.8], [0.3, 0.3, 0.2, 0.0]]
    assert metastable_sizes(maps(rows), 0.9)[0, :3].tolist() == [1, 2, 2]
    assert metastable_sizes(maps(rows), 0.9)[0, 3].isnan()


def test_rows_that_are_none_measure_nothing():
    """[CLS] and [SEP] take all that one token pays: among the k-mers it has no row, and the others count alone."""
    attention = np.full((5, 5), 0.2)
    attention[2] = [0.5, 0, 0, 0, 0.5]
    spreads = spread_variants(maps(attention), 0.9)
    statistics = spreads["kmers"].statistics
    assert statistics["H_mean"].item() == pytest.approx(math.log(3))
    assert statistics["H_norm"].item() == pytest.approx(1)
    assert statistics["k_median"].item() == 3
    assert spreads["raw"].statistics["H_mean"].item() == pytest.approx((4 * math.log(5) + math.log(2)) / 5)
    assert spreads["raw"].statistics["H_cls"].item() == pytest.approx(math.log(5))
    sink = np.tile([0.5, 0, 0, 0, 0.5], (5, 1))
    spread = spread_variants(maps(sink), 0.9)["kmers"]
    assert all(value.isnan().all() for value in spread.statistics.values())
    assert spread.regimes == [UNDEFINED]


def test_entropy_of_the_row_of_cls():
    attention = np.eye(5)
    attention[0] = [0, 0.25, 0.25, 0.25, 0.25]
    statistics = spread_variants(maps(attention), 0.9)["raw"].statistics
    assert statistics["H_cls"].item() == pytest.approx(math.log(4))
    assert statistics["H_mean"].item() == pytest.approx(math.log(4) / 5)
    # Of the sizes 4, 1, 1, 1, 1, four fifths of the way from the fourth to the fifth.
    assert [statistics[name].item() for name in ("k_p05", "k_median", "k_p95")] == pytest.approx([1, 1, 1 + 0.8 * 3])
    assert statistics["k_mean"].item() == pytest.approx(8 / 5)
    assert statistics["H_sd"].item() == pytest.approx(math.log(4) * 2 / 5)


@pytest.mark.parametrize(("short", "size"), [(0.6e-6, 1), (1.5e-6, 2)])
def test_mass_that_falls_short_by_more_than_rounding_needs_another_key(short, size):
    assert metastable_sizes(maps([[0.9 - short, 0.1 + short]]), 0.9).item() == size


def test_regimes_hold_their_upper_border():
    shares = torch.tensor([0.001, 1 / 16, 0.0626, 0.25, 0.2501, 0.5, 0.5001, 1, math.nan])
    expected = ["small", "small", "medium", "medium", "large", "large", "global", "global", UNDEFINED]
    assert regimes(shares) == expected


def test_share_histogram():
    sizes = torch.tensor([[1.0, 4.0, 4.0, 64.0], [5.0, 5.0, math.nan, 33.0]])
    histogram = share_histogram(sizes, 64)
    assert histogram.shape == (2, len(SHARES))
    assert {share: value for share, value in zip(SHARES, histogram[0].tolist(), strict=True) if value} == {
        1 / 64: 0.25,
        1 / 16: 0.5,
        1: 0.25,
    }
    assert histogram[1, [4, 32]].tolist() == pytest.approx([2 / 3, 1 / 3])


# The script

PARAMS = {
    "mass": 0.9,
    "histogram_bins": 20,
    "outputs": {name: f"attention_entropy_{name}.parquet" for name in ("tokens", "sizes")},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_small_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def tables(run):
    table, sequences = run_analysis("attention_entropy", run, **PARAMS)
    tokens, sizes = (pd.read_parquet(run / f"attention_entropy_{name}.parquet") for name in ("tokens", "sizes"))
    return table, sequences, tokens, sizes


def test_tables(tables):
    table, sequences, tokens, sizes = tables
    assert len(sequences) == 4 * 2 * 4 * 2
    assert sequences[["H_norm", "k_share"]].stack().between(0, 1 + 1e-6).all()
    assert sequences.loc[sequences["variant"] == "raw", "vn_norm"].between(0, 1).all()
    assert sequences.loc[sequences["variant"] == "kmers", ["H_cls", "vn"]].isna().all(axis=None)
    assert set(table["class"]) == {"alpha", "beta", "all"}
    means = table[table["statistic"] == "H_mean"].set_index(["class", "layer", "head", "variant"])
    several = sequences.drop_duplicates(["input", "layer", "head", "variant"])
    several = several.groupby(["class", "layer", "head", "variant"])["H_mean"].mean()
    assert means.loc[("alpha", 2, 3, "kmers"), "value"] == pytest.approx(several["alpha", 2, 3, "kmers"], rel=1e-5)
    # Twins count once in the means of sequences, and each in the mean maps.
    counts = means.groupby(["variant", "class"])["n"].max()
    assert counts["raw"].to_dict() == {"alpha": 2, "beta": 1, "all": 3}
    assert counts["class_mean"].to_dict() == {"alpha": 3, "beta": 1}
    shares = table[table["statistic"] == "share"].groupby(["class", "layer", "head", "variant"])["value"].sum()
    assert shares.to_numpy() == pytest.approx(1)
    assert sizes.groupby(["class", "layer", "head"])["value"].sum().to_numpy() == pytest.approx(1)
    # K-mers that the other sequence of the class is too short for have a mean over one; both have a [SEP], -1.
    assert tokens[(tokens["class"] == "alpha") & (tokens["layer"] == 1)].set_index("token")["n"].to_dict() == {
        token: 2 if token < 10 else 1 for token in range(-1, 13)
    }


def test_mean_map_of_one_sequence_is_its_own(run, tables):
    table, sequences, _, _ = tables
    beta = table[(table["class"] == "beta") & (table["variant"] == "class_mean")]
    values = beta.set_index(["layer", "head", "statistic"])["value"]
    single = sequences[(sequences["class"] == "beta") & (sequences["variant"] == "raw")].set_index(["layer", "head"])
    for layer, head in single.index:
        assert values[layer, head, "vn"] == pytest.approx(single.loc[(layer, head), "vn"], abs=1e-4)
        assert values[layer, head, "H_mean"] == pytest.approx(single.loc[(layer, head), "H_mean"], abs=1e-4)
    found = {
        name: (count, maps.shape[-1])
        for name, count, maps in read_mean_attention(run / "activations/attention_mean.npz", CLASSES)
    }
    assert found == {"alpha": (3, 14), "beta": (1, 12)}


def test_selection(run):
    table, sequences = run_analysis("attention_entropy", run, **PARAMS, layers=[2], heads=[3])
    assert sequences[["layer", "head"]].drop_duplicates().to_numpy().tolist() == [[2, 3]]
    assert table[["layer", "head"]].drop_duplicates().to_numpy().tolist() == [[2, 3]]


@absent("attention_entropy")
def test_what_does_not_exist_is_named(run, key, value, message):
    with pytest.raises(InputError, match=message):
        run_analysis("attention_entropy", run, **PARAMS, **{key: value})


def test_figure(tables):
    figure = draw_attention_entropy(*tables, CLASSES, 0.9)
    assert figure.get_suptitle().endswith("n = 3 distinct sequences; no sequence of gamma")
    assert figure.axes[0].get_title() == "Keys that hold 0.9 of each query's attention"
