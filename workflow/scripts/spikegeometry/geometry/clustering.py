"""Do representations of sequences lie apart by class? Principal components, clusters, neighbours and maps.

A representation is one vector for each of n sequences. Its coordinates are standardised and turned into principal
components on these same sequences, without their classes; clusters, neighbours and maps are taken from the components.
No two sequences should be identical: copies would be each other's neighbours and inflate every score.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_samples, silhouette_score

NOISE = -1  # HDBSCAN's label of points in no cluster
# Spread of a coordinate, as a share of its size, and of a component, as a share of the first, that is rounding alone.
RESOLUTION = 1e-6
# Similarities that differ by less are equal.
TIE = 1e-9
# Fewer points than this make no map.
MIN_MAP = 10


@dataclass(frozen=True)
class Components:
    """Principal components of n vectors; c is 0 where all vectors are the same."""

    scores: np.ndarray  # (n, c) float64, those asked for
    shares: np.ndarray  # shares of the variance, of all components, falling


@dataclass(frozen=True)
class Separation:
    """How n sequences lie to their classes; of equal vectors nothing can be said and everything is NaN."""

    silhouettes: np.ndarray  # (n,) of the true classes, in [-1, 1]; NaN where there is one class
    neighbours: np.ndarray  # (n,) label that most of the nearest others have
    clusters: dict[str, np.ndarray]  # (n,) number of the cluster by each method


def mean_kmers(hidden: np.ndarray, rows: Iterable[int], lengths: Iterable[int], layers: list[int]) -> np.ndarray:
    """Mean token vectors (rows, layers, d) of sequences, without the first and last token: [CLS] and [SEP].

    `hidden` is (S, L+1, n_max, d), of which `rows` and `layers` are taken; `lengths` are the rows' numbers of tokens.
    """
    means = [hidden[row][layers, 1 : length - 1].mean(axis=1) for row, length in zip(rows, lengths, strict=True)]
    return np.stack(means)


def standardise(vectors: np.ndarray) -> np.ndarray:
    """Vectors (n, d) with mean 0 and variance 1 in each coordinate, float64; constant coordinates become 0."""
    vectors = np.asarray(vectors, dtype=np.float64)
    centred, spread = vectors - vectors.mean(axis=0), vectors.std(axis=0)
    varies = spread > RESOLUTION * np.abs(vectors).max(axis=0)
    return np.where(varies, centred / np.where(varies, spread, 1), 0)


def principal_components(vectors: np.ndarray, most: int) -> Components:
    """Components of centred vectors (n, d), at most `most` of them as scores.

    The largest weight of a component is positive, which settles its sign.
    """
    left, sizes, right = np.linalg.svd(vectors, full_matrices=False)
    kept = np.count_nonzero(sizes > RESOLUTION * max(sizes[0], RESOLUTION))
    signs = np.sign(right[np.arange(len(right)), np.abs(right).argmax(axis=1)])
    scores = (left * sizes * signs)[:, : min(kept, most)]
    return Components(scores, sizes[:kept] ** 2 / (sizes[:kept] ** 2).sum())


def separation(scores: np.ndarray, labels: np.ndarray, neighbours: int, min_cluster_size: int, seed: int) -> Separation:
    """Clusters and neighbours of points (n, c) beside their labels (n,), integers from 0."""
    n = len(labels)
    if n < 2 or not scores.shape[1]:
        unknown = np.full(n, np.nan)
        return Separation(unknown, unknown, dict.fromkeys(("kmeans", "kmeans_silhouette", "hdbscan"), unknown))
    classes = len(np.unique(labels))
    return Separation(
        silhouettes=silhouettes(scores, labels),
        neighbours=leave_one_out_neighbours(scores, labels, neighbours),
        clusters={
            "kmeans": kmeans(scores, classes, seed),
            "kmeans_silhouette": kmeans_by_silhouette(scores, 2 * classes, seed),
            "hdbscan": hdbscan(scores, min_cluster_size),
        },
    )


def silhouettes(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Silhouette (n,) of each point (Rousseeuw 1987), Euclidean; 0 for the only one of its label.

    NaN where there is one label, or where each point has its own.
    """
    if not 1 < len(np.unique(labels)) < len(labels):
        return np.full(len(labels), np.nan)
    return silhouette_samples(scores, labels)


def leave_one_out_neighbours(scores: np.ndarray, labels: np.ndarray, neighbours: int) -> np.ndarray:
    """The label (n,) that most of each point's nearest others have, by cosine.

    Others as near as the last of them vote too. Of labels with equal votes the one with the nearest point wins.
    """
    lengths = np.linalg.norm(scores, axis=1, keepdims=True)
    units = np.divide(scores, lengths, out=np.zeros_like(scores), where=lengths > 0)
    similarity = units @ units.T
    np.fill_diagonal(similarity, -np.inf)
    last = len(labels) - min(neighbours, len(labels) - 1)
    near = similarity >= np.partition(similarity, last, axis=1)[:, [last]] - TIE
    members = [labels == label for label in range(labels.max() + 1)]
    votes = np.stack([near[:, of_label].sum(axis=1) for of_label in members], axis=1)
    nearest = np.stack([similarity[:, of_label].max(axis=1, initial=-1) for of_label in members], axis=1)
    # A cosine counts a quarter of a vote at most, so that it only settles equal votes.
    return (votes + nearest / 4).argmax(axis=1)


def kmeans(scores: np.ndarray, clusters: int, seed: int) -> np.ndarray:
    """Cluster numbers (n,) by k-means, the best of 10 starts."""
    clusters = min(clusters, len(np.unique(scores, axis=0)))
    return KMeans(clusters, n_init=10, random_state=seed).fit(scores).labels_


def kmeans_by_silhouette(scores: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Cluster numbers (n,) by k-means with the number of clusters, 2 to `most`, of the highest mean silhouette."""
    most = min(most, len(np.unique(scores, axis=0)), len(scores) - 1)
    tried = [kmeans(scores, number, seed) for number in range(2, most + 1)]
    return max(tried, key=lambda labels: silhouette_score(scores, labels), default=np.zeros(len(scores), dtype=int))


def hdbscan(scores: np.ndarray, min_cluster_size: int) -> np.ndarray:
    """Cluster numbers (n,) by HDBSCAN (Campello et al. 2013), Euclidean; NOISE for points in no cluster."""
    if len(scores) < min_cluster_size:
        return np.full(len(scores), NOISE)
    return HDBSCAN(min_cluster_size=min_cluster_size, copy=True).fit(scores).labels_


def maps(scores: np.ndarray, perplexity: float, neighbours: int, seed: int) -> list[dict[str, str | int | np.ndarray]]:
    """Maps of points (n, c), in two and in three dimensions each: method (pca, tsne, umap), dimensions, x, y, z (n,).

    z is NaN in two dimensions; everything is NaN where there are fewer than MIN_MAP points or all are equal.
    """
    return [
        {"method": method, "dimensions": dimensions} | dict(zip("xyz", _fill(points).T, strict=True))
        for dimensions in (2, 3)
        for method, points in _maps(scores, dimensions, perplexity, neighbours, seed).items()
    ]


def _fill(points: np.ndarray) -> np.ndarray:
    return np.pad(points, ((0, 0), (0, 3 - points.shape[1])), constant_values=np.nan)


def _maps(scores: np.ndarray, dimensions: int, perplexity: float, neighbours: int, seed: int) -> dict[str, np.ndarray]:
    n, width = scores.shape
    if n < MIN_MAP or not width:
        return dict.fromkeys(("pca", "tsne", "umap"), np.full((n, dimensions), np.nan))
    # Imported where it is used, because it takes some ten seconds to compile itself.
    from umap import UMAP

    perplexity, neighbours = min(perplexity, (n - 1) / 3), min(neighbours, n - 1)
    start = {"tsne": "pca", "umap": "spectral"} if width >= dimensions else dict.fromkeys(("tsne", "umap"), "random")
    tsne = TSNE(dimensions, perplexity=perplexity, init=start["tsne"], random_state=seed)
    # With several threads, the same seed would give other maps.
    umap = UMAP(neighbours, dimensions, init=start["umap"], random_state=seed, n_jobs=1)
    threads = torch.get_num_threads()
    maps_of_methods = {
        "pca": np.pad(scores[:, :dimensions], ((0, 0), (0, max(dimensions - width, 0)))),
        "tsne": tsne.fit_transform(scores),
        "umap": umap.fit_transform(scores),
    }
    # UMAP lets OpenMP take every core, which all that follows would spend thirty times its time waiting for.
    torch.set_num_threads(threads)
    return maps_of_methods
