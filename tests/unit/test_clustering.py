"""Clustering: partitions and points whose scores are known, scikit-learn's scores, and the script."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import binomtest
from sklearn import metrics

from spikegeometry.analyses.tables.separability import _of_clusters, agreement
from spikegeometry.dataset.encoding import open_split, padded_ids
from spikegeometry.dataset.samples import distinct_sample
from spikegeometry.errors import InputError
from spikegeometry.figures.clustering import draw_clustering
from spikegeometry.geometry.clustering import (
    NOISE,
    hdbscan,
    kmeans_by_silhouette,
    leave_one_out_neighbours,
    maps,
    mean_kmers,
    principal_components,
    separation,
    silhouettes,
    standardise,
)
from spikegeometry.geometry.readout import classifier_outputs
from spikegeometry.model.weights import read_head
from tiny_run import CLASSES, random_tokens, read_table, run_script, small_bert, write_recorded, write_run


def counts(classes, clusters):
    return pd.crosstab(np.array(classes), np.array(clusters)).to_numpy()[None].astype(float)


def test_agreement_of_a_partition_done_by_hand():
    scores = {name: value[0] for name, value in agreement(counts([0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 1, 1])).items()}
    known = {"homogeneity": 0.5794, "completeness": 1, "v_measure": 0.7337, "nmi": 0.7337, "ari": 0.4444}
    assert scores == pytest.approx(known, abs=5e-5)


@pytest.mark.parametrize("seed", range(4))
def test_agreement_against_scikit_learn(seed):
    generator = np.random.default_rng(seed)
    classes, clusters = generator.integers(4, size=50), generator.integers(6, size=50)
    clusters[:30] = classes[:30]
    scores = agreement(counts(classes, clusters))
    expected = metrics.homogeneity_completeness_v_measure(classes, clusters)
    for name, value in zip(("homogeneity", "completeness", "v_measure"), expected, strict=True):
        assert scores[name][0] == pytest.approx(value, abs=1e-12)
    assert scores["nmi"][0] == pytest.approx(metrics.normalized_mutual_info_score(classes, clusters), abs=1e-12)
    assert scores["ari"][0] == pytest.approx(metrics.adjusted_rand_score(classes, clusters), abs=1e-12)


@pytest.mark.parametrize(("groups", "related"), [(4, 0.0), (8, 0.0), (4, 0.6)])
def test_interval_of_agreement_covers(groups, related):
    """Unrelated classes and clusters have an ARI of 0; related ones that of very many sequences."""
    generator = np.random.default_rng(0)

    def drawn(n):
        classes = generator.integers(groups, size=n)
        kept = generator.random(n) < related
        return classes, np.where(kept, classes, generator.integers(groups, size=n))

    truth = agreement(counts(*drawn(200_000)))["ari"][0]
    covered = 0
    for _ in range(120):
        classes, clusters = drawn(80)
        found = {row[0]: row[1:] for row in _of_clusters(pd.Series(classes), pd.Series(clusters), 0.95)}
        value, n, low, high = found["ari"]
        assert low <= value <= high <= 1 and n == 80
        covered += low <= truth <= high
        # What is too high by chance, V by 0.3 with 8 groups, has no interval around it.
        assert all(np.isnan(found[name][2:]).all() for name in ("homogeneity", "completeness", "v_measure", "nmi"))
    assert covered >= 108


def test_two_sequences_have_no_interval():
    found = {row[0]: row for row in _of_clusters(pd.Series(["a", "b"]), pd.Series([0, 0]), 0.95)}
    assert np.isnan(found["ari"][3:]).all()


@pytest.mark.parametrize(
    ("classes", "clusters"), [([0, 0, 0], [0, 0, 0]), ([0, 1, 2], [2, 0, 1]), ([0, 0, 1], [0, 0, 0]), ([0, 0], [0, 1])]
)
def test_agreement_of_single_groups_and_single_points(classes, clusters):
    scores = agreement(counts(classes, clusters))
    expected = metrics.homogeneity_completeness_v_measure(classes, clusters)
    assert [scores[name][0] for name in ("homogeneity", "completeness", "v_measure")] == pytest.approx(expected)
    assert scores["ari"][0] == pytest.approx(metrics.adjusted_rand_score(classes, clusters))


def blobs(sizes, seed=0):
    """Points in five dimensions around centres ten standard deviations apart, and the number of each one's centre."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    points = np.random.default_rng(seed).normal(size=(len(labels), 5))
    points[np.arange(len(labels)), labels] += 10
    return points, labels


def test_blobs_are_found():
    points, labels = blobs([20, 15, 25])
    found = separation(principal_components(standardise(points), 50).scores, labels, 5, 5, seed=1)
    assert (found.neighbours == labels).all()
    for method in ("kmeans", "kmeans_silhouette"):
        assert metrics.adjusted_rand_score(labels, found.clusters[method]) == 1
    clustered = found.clusters["hdbscan"] != NOISE
    assert metrics.adjusted_rand_score(labels[clustered], found.clusters["hdbscan"][clustered]) == 1


def test_silhouette_done_by_hand():
    # The outer points are 1 from their own and 10.5 from the others on average, the inner ones 9.5.
    values = silhouettes(np.array([[0.0], [1], [10], [11]]), np.array([0, 0, 1, 1]))
    assert values == pytest.approx([1 - 1 / 10.5, 1 - 1 / 9.5, 1 - 1 / 9.5, 1 - 1 / 10.5])


def test_equal_vectors_have_no_scores():
    parts = principal_components(standardise(np.full((12, 4), 0.1, np.float32)), 50)
    assert (parts.scores.shape, parts.shares.sum()) == ((12, 0), 0)
    found = separation(parts.scores, np.repeat([0, 1], 6), 5, 5, seed=1)
    assert np.isnan(found.silhouettes).all()
    assert np.isnan(found.neighbours).all()
    assert all(np.isnan(labels).all() for labels in found.clusters.values())
    assert all(np.isnan(drawn["x"]).all() for drawn in maps(parts.scores, 30, 15, 1))


def test_each_coordinate_is_standardised_by_itself():
    vectors = np.random.default_rng(0).normal([0, 100, -3], [1, 50, 0.01], size=(40, 3))
    found = standardise(vectors)
    assert found.mean(axis=0) == pytest.approx(np.zeros(3), abs=1e-12)
    assert found.std(axis=0) == pytest.approx(np.ones(3))


def test_principal_components_against_the_covariance():
    points = blobs([9, 8])[0] @ np.diag([3, 1, 1, 2, 0.5])
    parts = principal_components(standardise(points), 3)
    variances = np.sort(np.linalg.eigvalsh(np.cov(standardise(points).T)))[::-1]
    assert parts.shares == pytest.approx(variances / variances.sum(), abs=1e-12)
    assert parts.scores.var(axis=0, ddof=1) == pytest.approx(variances[:3], abs=1e-12)


def test_neighbours_against_a_naive_count():
    points, labels = blobs([6, 5, 4], seed=3)
    points += np.random.default_rng(4).normal(scale=6, size=points.shape)
    found = leave_one_out_neighbours(points, labels, 3)
    for point, label in enumerate(found):
        others = [other for other in range(len(points)) if other != point]
        cosines = {o: points[o] @ points[point] / np.linalg.norm(points[o]) for o in others}
        nearest = sorted(others, key=cosines.get, reverse=True)[:3]
        votes = np.bincount(labels[nearest])
        winners = np.flatnonzero(votes == votes.max())
        assert label == next(labels[other] for other in nearest if labels[other] in winners)


def test_neighbours_without_a_direction_and_fewer_than_asked_for():
    points = np.array([[0.0, 0], [1, 0], [1, 0]])
    assert leave_one_out_neighbours(points, np.array([0, 1, 1]), 5).tolist() == [1, 1, 1]


def test_three_clusters_of_four_points():
    """Two points close by and two that are as far from them as from each other."""
    points = np.array([[0, 0], [0, 0.1], [100, 0], [50, 87]])
    assert len(set(kmeans_by_silhouette(points, 6, seed=1))) == 3


def test_few_points():
    assert hdbscan(np.eye(3), 5).tolist() == [NOISE] * 3
    assert kmeans_by_silhouette(np.eye(2), 4, seed=1).tolist() == [0, 0]
    alone = separation(np.eye(3), np.zeros(3, int), 5, 5, seed=1)
    assert np.isnan(alone.silhouettes).all()
    assert alone.neighbours.tolist() == [0, 0, 0]


def test_maps_are_the_same_again_and_one_component_is_enough():
    points, _ = blobs([8, 8])
    first, second = (maps(points, 30, 15, seed=5) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one["x"], other["x"])
        assert np.isnan(one["z"]).all() == (one["dimensions"] == 2)
    assert all(np.isfinite(drawn["x"]).all() for drawn in maps(points[:, :1], 30, 15, seed=5))


def test_special_tokens_and_padding_are_not_in_the_mean():
    hidden = np.full((1, 2, 6, 3), np.nan)
    hidden[0, 1, 1:4] = [[1, 2, 3], [2, 2, 2], [3, 2, 4]]
    assert mean_kmers(hidden, [0], [5], [1]).tolist() == [[[2, 2, 3]]]


def test_sample_is_of_distinct_sequences():
    names = ["a", "a", "a", "b", "b"]
    sequences = pd.DataFrame({"class": names, "input": [0, 0, 1, 1, 1], "accession": list("vwxyz")})
    assert distinct_sample(sequences, ["a", "b", "c"], 9, seed=1)["accession"].tolist() == ["v", "x", "y"]
    assert len(distinct_sample(sequences, ["a"], 1, seed=1)) == 1
    with pytest.raises(InputError, match="no test sequence of c"):
        distinct_sample(sequences, ["c"], 9, seed=1)


# The script

PARAMS = {
    "sequences_per_class": 50,
    "components": 20,
    "neighbours": 3,
    "min_cluster_size": 3,
    "perplexity": 5,
    "umap_neighbours": 5,
    "seed": 1,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Eight sequences of alpha, two of them equal, five of beta, none of gamma."""
    folder = tmp_path_factory.mktemp("run")
    alpha = [random_tokens(0, 14), *(random_tokens(seed, 11) for seed in range(6)), random_tokens(0, 14)]
    sequences = {"alpha": alpha, "beta": [random_tokens(seed, 12) for seed in range(20, 25)], "gamma": []}
    write_run(folder, small_bert(), sequences)
    write_recorded(folder / "test.arrow", sequences)
    return folder


def cluster(folder, **params):
    outputs = {"components": "components.tsv", "maps": "maps.parquet"}
    output = run_script("clustering", folder, outputs, {"split": "test.arrow"}, **PARAMS, **params)
    return tuple(map(read_table, (output.table, output.components, output.sequences, output.maps)))


@pytest.fixture(scope="module")
def tables(run):
    return cluster(run)


def test_tables(tables):
    table, components, sequences, drawn = tables
    # Three levels of [CLS] and of k-mers, and three outputs, of the twelve distinct sequences.
    assert len(sequences) == 9 * 12
    assert set(table["class"]) == {"alpha", "beta", "all"}
    scores = table[(table["class"] == "all") & (table["n"] == 12)].set_index(["site", "layer", "method", "statistic"])
    assert np.isnan(scores["value"]["cls", 0, "neighbours", "accuracy"])
    assert np.isnan(scores["value"]["cls", 0, "kmeans", "ari"])
    assert scores["value"]["kmers", 0, "neighbours", "chance"] == pytest.approx(7 / 12, abs=1e-5)
    place = sequences[(sequences["site"] == "cls") & (sequences["layer"] == 2)]
    own = (place["neighbour"] == place["class"]).mean()
    row = scores.loc["cls", 2, "neighbours", "accuracy"]
    assert row["value"] == pytest.approx(own, abs=1e-5)
    assert row["low"] <= own <= row["high"]
    expected = metrics.adjusted_mutual_info_score(place["class"], place["kmeans"])
    assert scores["value"]["cls", 2, "kmeans", "ami"] == pytest.approx(expected, abs=1e-5)
    totals = components.groupby(["site", "layer"], dropna=False)["share"].sum()
    assert totals.to_numpy() == pytest.approx(np.ones(8), abs=1e-4)  # none of [CLS] at layer 0
    assert set(drawn["method"]) == {"pca", "tsne", "umap"}
    assert set(zip(drawn["site"], drawn["layer"], strict=True)) == {("kmers", 0), ("cls", 1), ("cls", 2)}


def test_intervals_of_shares_against_scipy(tables):
    """Wilson's, of as many sequences as there are: neighbours of the right class, and points in no cluster."""
    table = tables[0]
    shares = table[table["statistic"].isin(["accuracy", "noise_share"])].dropna(subset="value")
    assert {7, 5, 12} == set(shares["n"])
    for row in shares.itertuples():
        expected = binomtest(round(row.value * row.n), row.n).proportion_ci(0.95, "wilson")
        assert (row.low, row.high) == pytest.approx((expected.low, expected.high), abs=1e-4)


def test_logits_are_the_models(run):
    cls = torch.from_numpy(np.load(run / "activations/cls.npy")[:, -1])
    outputs = classifier_outputs(cls, read_head(run / "model"))
    expected = pd.read_parquet(run / "predictions.parquet").to_numpy()
    assert outputs["softmax"].numpy() == pytest.approx(expected, abs=1e-6)
    assert outputs["logits"].softmax(dim=-1).numpy() == pytest.approx(expected, abs=1e-6)


def test_padded_ids(run):
    ids = padded_ids(open_split(run / "test.arrow"))
    assert np.array_equal(ids, np.load(run / "activations/tokens.npy"))


def test_what_does_not_exist_is_named(run):
    with pytest.raises(InputError, match="analyses.clustering.layers: 3 does not exist"):
        cluster(run, layers=[3])
    with pytest.raises(InputError, match="no test sequence of gamma"):
        cluster(run, selected_classes=["gamma"])


def test_figure_and_page(tables):
    table, components, _, drawn = tables
    figure = draw_clustering(table, components, drawn, CLASSES, CLASSES)
    assert figure.get_suptitle().endswith("n = 12 distinct sequences; no sequence of gamma")
