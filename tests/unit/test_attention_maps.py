"""Attention maps: means, shares and pairs known by hand, a naive computation, and the script."""

import numpy as np
import pandas as pd
import pytest
import torch

from spikegeometry.dataset.domains import domain_slots
from spikegeometry.errors import InputError
from spikegeometry.figures.attention_maps import draw_attention_maps, draw_head, draw_high_pairs, draw_layer, shrink
from spikegeometry.geometry.attention_maps import MapSums, class_distances, frequent_pairs, high_pairs
from tiny_run import CLASSES, absent, run_analysis, small_bert, small_sequences, write_small_run

EYE, EVEN = torch.eye(3)[None], torch.full((1, 3, 3), 1 / 3)


def random_maps(heads, n, seed):
    return torch.softmax(3 * torch.randn(heads, n, n, generator=torch.Generator().manual_seed(seed)), dim=-1)


def summed(*sequences, thresholds=(0.3,), kappa=10):
    """Sums of the maps of sequences."""
    sums = MapSums(len(sequences[0]), max(maps.shape[-1] for maps in sequences), thresholds, kappa)
    for maps in sequences:
        sums.add(maps)
    return sums


def test_frequency_is_of_sequences_not_of_the_mean():
    # The mean map is 2/3 on the diagonal and 1/6 beside it, which is under 0.3 though 1/3 in one sequence is not.
    frequency = summed(EYE, EVEN).frequencies["0.3"][0]
    assert (frequency[0, 0].item(), frequency[0, 1].item()) == (1, 0.5)


def test_scale_free_threshold_follows_the_length():
    maps = random_maps(2, 40, seed=0)
    assert torch.equal(high_pairs(maps, [0.3], 10)["scale_free"], maps >= 0.25)
    assert torch.equal(high_pairs(maps, [0.3], 10)["0.3"], maps >= 0.3)
    assert not high_pairs(EVEN, [0.3], 1.1)["scale_free"].any()


def test_kmer_mean_is_a_mean_of_ratios():
    # One k-mer pays 0.1 and 0.3 to the k-mers, the other half and half of all: ratios 1/4 and 1/2.
    first, second = torch.zeros(1, 4, 4), torch.zeros(1, 4, 4)
    first[0, 1], second[0, 1] = torch.tensor([0.6, 0.1, 0.3, 0.0]), torch.tensor([0.0, 0.5, 0.5, 0.0])
    sums = summed(first, second)
    assert sums.kmer_means[0, 0].tolist() == pytest.approx([3 / 8, 5 / 8])
    # The second k-mer pays k-mers nothing: no row, and no share in what others receive.
    assert sums.kmer_means[0, 1].isnan().all()
    assert sums.token_means["kmer_mass"][0].tolist() == pytest.approx([0.7, 0])
    assert sums.token_means["received"][0].tolist() == pytest.approx([3 / 8, 5 / 8])


def test_high_pairs_of_a_query():
    """One query of three has one high key and two have two, over all tokens and not the k-mers alone."""
    maps = torch.tensor([[[1.0, 0, 0], [0.5, 0.5, 0], [0, 0.5, 0.5]]])
    assert MapSums(1, 3, [0.3, 0.6], 10).add(maps)["high_0.3"].tolist() == pytest.approx([5 / 3])
    assert MapSums(1, 3, [0.3, 0.6], 10).add(maps)["high_0.6"].tolist() == pytest.approx([1 / 3])


def naive(sequences, threshold):
    """Means by row, what is received and frequencies by cell, for sequences that may differ in length."""
    n = max(maps.shape[-1] for maps in sequences)
    mean, cells, frequency = np.zeros((n - 2, n - 2)), np.zeros((n - 2, n - 2)), np.full((n, n), np.nan)
    for i in range(n):
        for j in range(n):
            having = [maps[0].double().numpy() for maps in sequences if maps.shape[-1] > max(i, j)]
            frequency[i, j] = np.mean([one[i, j] >= threshold for one in having])
    for i in range(n - 2):
        for j in range(n - 2):
            rows = [maps[0].double().numpy()[i + 1, 1:-1] for maps in sequences if maps.shape[-1] - 2 > i]
            paid = [row[j] / row.sum() if j < len(row) else 0 for row in rows]
            mean[i, j] = np.mean(paid)
            cells[i, j] = np.mean([share for share, row in zip(paid, rows, strict=True) if j < len(row)])
    return mean, cells, frequency


def test_against_naive_computation():
    sequences = [random_maps(1, n, seed) for seed, n in enumerate((9, 12, 9, 7))]
    sums = summed(*sequences, thresholds=[0.2])
    mean, cells, frequency = naive(sequences, 0.2)
    assert sums.kmer_means[0].numpy() == pytest.approx(mean, abs=1e-6, nan_ok=True)
    assert sums.frequencies["0.2"][0].numpy() == pytest.approx(frequency, abs=1e-6)
    assert sums.token_means["received"][0].numpy() == pytest.approx(np.mean(cells, axis=0), abs=1e-6)
    from_cls = [np.mean([m[0, 0, t + 1].item() for m in sequences if m.shape[-1] - 2 > t]) for t in range(10)]
    assert sums.token_means["from_cls"][0].numpy() == pytest.approx(from_cls, abs=1e-6)


def test_rows_of_kmer_means_sum_to_one():
    sums = summed(*(random_maps(3, n, seed) for seed, n in enumerate((20, 14, 20, 9))))
    assert sums.kmer_means.sum(dim=-1).numpy() == pytest.approx(1, abs=1e-6)


def test_frequent_pairs():
    frequencies = {"a": torch.tensor([[[0.4, 0.5], [0.0, torch.nan]]]), "b": torch.zeros(1, 2, 2)}
    frequencies["b"][0, 1, 0] = 1
    assert [axis.tolist() for axis in frequent_pairs(frequencies, 0.5)] == [[0, 0], [0, 1], [1, 0]]


def test_distances_of_classes():
    one, other = torch.eye(4), torch.eye(4)[[1, 2, 3, 0]]
    means = torch.stack([torch.stack([one, one]), torch.stack([one, other])])[:, None]
    # Equal classes; and two that share no key, each half way from their mean.
    assert class_distances(means).tolist() == [[[0, 0.5]], [[0, 0.5]]]


def test_shrunken_map_is_of_block_means():
    values = np.arange(9.0).reshape(3, 3)
    assert shrink(values, 1).tolist() == values.tolist()
    assert shrink(values, 2).tolist() == [[2, 3.5], [6.5, 8]]
    values[0, 0] = np.nan
    assert shrink(values, 2)[0, 0] == pytest.approx(8 / 3)
    assert np.isnan(shrink(np.full((2, 2), np.nan), 2)).all()


# The script

PARAMS = {"thresholds": [0.3, 0.01], "kappa": 2, "min_frequency": 0.5, "k": 12, "stride": 9}
OUTPUTS = {"tokens": "tokens.parquet", "pairs": "pairs.parquet", "means": "means.npy"}


def run_maps(folder, **params):
    return run_analysis("attention_maps", folder, OUTPUTS, **PARAMS | params)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_small_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def tables(run):
    return run_maps(run)


@torch.inference_mode()
def attentions(tokens):
    return small_bert()(torch.from_numpy(tokens)[None], output_attentions=True).attentions


def test_tables(run, tables):
    table, measured = tables
    # Three distinct sequences, two layers, four heads.
    assert len(measured) == 3 * 2 * 4
    assert set(table["class"]) == {"alpha", "beta", "all"}
    rows = table[(table["statistic"] == "to_prev") & (table["layer"] == 2) & (table["head"] == 3)].set_index("class")
    assert rows["n"].to_dict() == {"alpha": 2, "beta": 1, "all": 3}
    assert rows.loc["beta", ["low", "high"]].isna().all()
    own = attentions(small_sequences()["beta"][0])[1][0, 2].numpy()
    assert rows.loc["beta", "value"] == pytest.approx(np.mean([own[i, i - 1] for i in range(1, 12)]), rel=1e-4)
    assert table.loc[table["statistic"] == "difference", "class"].unique().tolist() == ["alpha", "beta"]


def test_means_are_those_of_the_models_own_attention(run, tables):
    means = np.load(run / "means.npy")
    assert means.shape == (2, 2, 4, 12, 12)
    twins = [attentions(tokens)[0][:, 1] for tokens in small_sequences()["alpha"][:2]]
    assert means[0, 0, 1] == pytest.approx(naive(twins, 0.3)[0], abs=1e-5, nan_ok=True)
    # Beta's sequence has 10 k-mers.
    assert np.isnan(means[1, :, :, 10:]).all()
    assert np.nansum(means[1, :, :, :10], axis=-1) == pytest.approx(1, abs=1e-5)


def test_pairs(run, tables):
    pairs = pd.read_parquet(run / "pairs.parquet")
    of_beta = pairs[(pairs["class"] == "beta") & (pairs["layer"] == 1) & (pairs["head"] == 2)]
    own = attentions(small_sequences()["beta"][0])[0][0, 1].numpy()
    assert of_beta[["query", "key"]].to_numpy().tolist() == np.argwhere(own >= 0.01).tolist()
    for row in of_beta.to_dict("records"):
        attention = own[row["query"], row["key"]]
        assert row["mean"] == pytest.approx(attention, abs=1e-5)
        highs = [row[f"frequency_{threshold}"] for threshold in ("0.3", "0.01", "scale_free")]
        assert highs == [attention >= 0.3, True, attention >= 2 / 12]
    kmers = of_beta[of_beta["query"].between(1, 12)]
    assert (kmers["query_first_residue"] == 3 * (kmers["query"] - 1) + 1).all()
    assert (kmers["query_last_residue"] == 3 * (kmers["query"] - 1) + 4).all()
    assert of_beta.loc[of_beta["query"] == 0, "query_first_residue"].isna().all()


def test_tokens(run, tables):
    tokens = pd.read_parquet(run / "tokens.parquet").set_index(["class", "layer", "head", "token"])
    own = attentions(small_sequences()["beta"][0])[1][0, 3].numpy()
    assert tokens.loc[("beta", 2, 4, 5), "from_cls"] == pytest.approx(own[0, 5], abs=1e-5)
    assert tokens.loc[("beta", 2, 4, 5), "kmer_mass"] == pytest.approx(own[5, 1:-1].sum(), abs=1e-5)
    assert tokens.loc[("beta", 2, 4, 5), ["first_residue", "last_residue"]].tolist() == [13, 16]
    assert ("beta", 2, 4, 11) not in tokens.index


def test_selection(run):
    _, measured = run_maps(run, layers=[2], heads=[3], selected_classes=["beta"])
    assert measured[["class", "layer", "head"]].drop_duplicates().to_numpy().tolist() == [["beta", 2, 3]]
    assert np.load(run / "means.npy").shape == (1, 1, 1, 12, 12)


@absent("attention_maps")
def test_what_does_not_exist_is_named(run, key, value, message):
    with pytest.raises(InputError, match=message):
        run_maps(run, **{key: value})


def test_figures(tables):
    table, _ = tables
    figure = draw_attention_maps(table, CLASSES, CLASSES)
    assert figure.get_suptitle().endswith("n = 3 distinct sequences; no sequence of gamma")
    domains = domain_slots(pd.DataFrame({"name": ["a", "b"], "start": [1, 20], "end": [19, 900]}), 12, 9)
    maps = random_maps(5, 12, seed=1).numpy()
    figure = draw_layer(maps, 2, [1, 2, 3, 4, 5], 3, 2, domains)
    assert [axis.get_title() for axis in figure.axes[:5]] == [f"head {head}" for head in range(1, 6)]
    figure = draw_head({"alpha": maps[0], "beta": maps[1]}, 2, 3, {"alpha": 2, "beta": 1}, domains)
    images = [image for axis in figure.axes for image in axis.get_images()]
    # The whole map has every cell; differences have the same limits on both sides of zero.
    assert images[0].get_array().shape == (12, 12)
    assert {image.get_clim() for image in images[1:3]} == {(-images[1].get_clim()[1], images[1].get_clim()[1])}


def test_pairs_that_are_not_high_are_masked():
    domains = domain_slots(pd.DataFrame({"name": ["a"], "start": [1], "end": [900]}), 12, 9)
    mean = np.full((9, 9), 1 / 9)
    mean[1, 4], mean[8, 0] = 0.5, 0.7
    # K-mers 1 to 9 are tokens 1 to 9; token 0 is [CLS] and 10 is [SEP].
    pairs = [("alpha", 2, 5), ("beta", 2, 5), ("beta", 9, 1), ("beta", 0, 3), ("beta", 4, 10)]
    pairs = pd.DataFrame(pairs, columns=["class", "query", "key"])
    figure = draw_high_pairs(mean, pairs, 2, 3, {"alpha": 2, "beta": 1}, domains, 10, 0.5)
    masked, classes = (axis.collections[0] for axis in figure.axes[:2])
    for points in (masked, classes):
        assert points.get_offsets().tolist() == [[5, 2], [1, 9]]
    assert masked.get_array().tolist() == pytest.approx([9 * 0.5, 9 * 0.7])
    assert classes.get_array().tolist() == [2, 1]
    assert figure.get_suptitle().startswith("Layer 2, head 3: the 2 pairs of k-mers")
    assert draw_high_pairs(mean, pairs[:0], 2, 3, {"alpha": 2}, domains, 10, 0.5)


def test_layer_in_which_all_heads_are_even():
    domains = domain_slots(pd.DataFrame({"name": ["a"], "start": [1], "end": [900]}), 12, 9)
    even = np.full((1, 9, 9), 1 / 9)
    assert draw_layer(even, 1, [1], 1, 1, domains).get_suptitle()
    assert draw_head({"alpha": even[0]}, 1, 1, {"alpha": 1}, domains)
