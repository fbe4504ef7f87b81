"""Which hidden k-mers a masked model takes for one another: strong matches and their clusters (Tzach et al. 2025).

K-mers go by their ids, and arrays (K,) have a place for each id of the vocabulary.
"""

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components


def read_often(tokens: np.ndarray, least: int) -> np.ndarray:
    """K-mers of `tokens` (m,) that are there at least `least` times, in order."""
    names, counts = np.unique(tokens, return_counts=True)
    return names[counts >= least]


def common_slots(tokens: np.ndarray, slots: np.ndarray, counts: np.ndarray, first: int, size: int) -> np.ndarray:
    """The slot (size,) at which each k-mer, from `first` on, stands most often; -1 where it stands at none.

    Token `tokens[i]` stands `counts[i]` times at slot `slots[i]`, (cells,) each; of equal counts the last cell decides.
    """
    order = np.argsort(counts, kind="stable")
    order = order[tokens[order] >= first]
    common = np.full(size, -1)
    common[tokens[order]] = slots[order]
    return common


def confusion_matrix(tokens: np.ndarray, read: np.ndarray, size: int) -> sparse.csr_array:
    """How often each k-mer (row) is taken for each (column), (size, size)."""
    return sparse.csr_array((np.ones(len(tokens)), (tokens, read)), shape=(size, size))


def accuracies(confusion: sparse.csr_array) -> np.ndarray:
    """APT (K,) of each k-mer of a confusion matrix (K, K); NaN where it was never hidden."""
    hidden = confusion.sum(axis=1)
    return np.divide(confusion.diagonal(), hidden, out=np.full(len(hidden), np.nan), where=hidden > 0)


def strong_matches(confusion: sparse.csr_array, tau: float, mutual: bool = False) -> np.ndarray:
    """Cluster number (K,) of each k-mer that is read as itself at least as often as any other; -1 for the rest.

    Rows are divided by their diagonal. Two k-mers match where one is taken for the other with at least `tau` of what
    it is read as itself (`mutual`: where each is), and clusters are what matches connect. A k-mer alone is a cluster of
    its own.
    """
    diagonal, size = confusion.diagonal(), confusion.shape[0]
    rows, columns = confusion.tocoo().coords
    highest = np.zeros(size)
    np.maximum.at(highest, rows, confusion.data)
    kept = (diagonal > 0) & (diagonal >= highest)
    clusters = np.full(size, -1)
    if kept.any():
        strong = kept[rows] & kept[columns] & (rows != columns) & (confusion.data >= tau * diagonal[rows])
        links = sparse.csr_array((np.ones(strong.sum()), (rows[strong], columns[strong])), shape=confusion.shape)
        connected = connected_components(links.multiply(links.T) if mutual else links, directed=False)[1]
        clusters[kept] = np.unique(connected[kept], return_inverse=True)[1]
    return clusters


def cluster_scores(clusters: np.ndarray) -> dict[str, float]:
    """How large the clusters (K,) of `strong_matches` are.

    tokens: k-mers that are kept; clusters: those of two or more k-mers; mean_size: of these; largest: the most k-mers
    of one; matched_share, largest_share: of the kept k-mers, the share that is in such a cluster, and in the largest.
    Sizes are NaN where there is no such cluster.
    """
    sizes = np.bincount(clusters[clusters >= 0])
    several = sizes[sizes > 1]
    tokens = sizes.sum()
    largest = several.max() if len(several) else np.nan
    return {
        "tokens": float(tokens),
        "clusters": float(len(several)),
        "mean_size": several.mean() if len(several) else np.nan,
        "largest": float(largest),
        "matched_share": several.sum() / tokens if tokens else np.nan,
        "largest_share": largest / tokens if tokens else np.nan,
    }


def resampled_clusters(
    rows: np.ndarray, tokens: np.ndarray, read: np.ndarray, weights: np.ndarray, taus: Sequence[float]
) -> dict[tuple[float, bool, str], np.ndarray]:
    """`cluster_scores` (B,) for each weighting (B, n) of sequences, by tau, whether matches are mutual, and name.

    Each hidden k-mer (m,) has the number of its sequence in `rows`.
    """
    names, cells = np.unique(np.stack([tokens, read]), return_inverse=True)
    tokens, read = cells.reshape(2, -1)
    pairs, which = np.unique(tokens * len(names) + read, return_inverse=True)
    shape = (weights.shape[1], len(pairs))
    found: dict[tuple[float, bool, str], list[float]] = {}
    for counts in weights @ sparse.csr_array((np.ones(len(which)), (rows, which)), shape=shape):
        matrix = sparse.csr_array((counts, divmod(pairs, len(names))), shape=(len(names), len(names)))
        for tau in taus:
            for mutual in (False, True):
                for name, value in cluster_scores(strong_matches(matrix, tau, mutual)).items():
                    found.setdefault((tau, mutual, name), []).append(value)
    return {key: np.array(values) for key, values in found.items()}
