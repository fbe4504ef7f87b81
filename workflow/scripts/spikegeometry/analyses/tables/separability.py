"""How well neighbours and clusters of sequences agree with their classes: scores, intervals, and the table of them."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.metrics import adjusted_mutual_info_score

from spikegeometry.evaluation.metrics import confusion_matrices, ratio
from spikegeometry.stats.intervals import mean_bounds, wilson_interval
from spikegeometry.stats.summaries import ALL_CLASSES
from spikegeometry.stats.trends import jackknife_interval

METHODS = ("kmeans", "kmeans_silhouette", "hdbscan")
COLUMNS = ["class", "site", "layer", "method", "statistic", "value", "n", "low", "high"]


def agreement(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Scores (B,) of the agreement of classes and clusters, from their tables of counts (B, classes, clusters).

    Homogeneity and completeness are 1 - H(class | cluster) / H(class) and the reverse (Rosenberg and Hirschberg 2007),
    1 where that entropy is 0; V is their harmonic mean, which is the mutual information over the mean of the entropies
    (NMI). ARI is Rand's index adjusted for chance (Hubert and Arabie 1985).
    """
    total = counts.sum(axis=(1, 2))
    of_class, of_cluster = counts.sum(axis=2), counts.sum(axis=1)
    class_entropy, cluster_entropy, joint = (
        stats.entropy(table.reshape(len(counts), -1), axis=1) for table in (of_class, of_cluster, counts)
    )
    shared = np.clip(class_entropy + cluster_entropy - joint, 0, None)
    homogeneity = np.where(class_entropy > 0, ratio(shared, class_entropy), 1)
    completeness = np.where(cluster_entropy > 0, ratio(shared, cluster_entropy), 1)
    v = np.nan_to_num(ratio(2 * homogeneity * completeness, homogeneity + completeness))

    together = _pairs(counts).sum(axis=(1, 2))
    in_class, in_cluster = _pairs(of_class).sum(axis=1), _pairs(of_cluster).sum(axis=1)
    chance = ratio(in_class * in_cluster, _pairs(total))
    highest = (in_class + in_cluster) / 2
    # Equal where both are one group, or single points: the partitions are then the same.
    ari = np.where(highest == chance, 1, ratio(together - chance, highest - chance))
    return {"homogeneity": homogeneity, "completeness": completeness, "v_measure": v, "nmi": v, "ari": ari}


def _pairs(counts: np.ndarray) -> np.ndarray:
    return counts * (counts - 1) / 2


def separability_table(measurements: pd.DataFrame, classes: list[str], confidence: float) -> pd.DataFrame:
    """Scores of all sequences, and of each class where they are means over sequences, by site and layer.

    `measurements` has class, site, layer, silhouette, neighbour (a class) and a column of cluster numbers for each of
    METHODS; one row for each sequence and place. Columns: COLUMNS. The accuracy of neighbours has Wilson's interval,
    the silhouette `mean_bounds`, Rand's adjusted index the jackknife's over sequences, for which the clusters stay: a
    bootstrap would draw copies of a sequence, and copies agree with one another. Homogeneity, completeness, V and NMI
    have none: they are too high by chance, the more so the larger the table is for its sequences, which no interval
    around them would tell. AMI, which corrects for that, and counts have none either. Where a score is not defined, as
    of vectors that are all equal, its value is missing.
    """
    rows = []
    for (site, layer), place in measurements.groupby(["site", "layer"], sort=False, dropna=False):
        for name in [*classes, ALL_CLASSES]:
            members = place if name == ALL_CLASSES else place[place["class"] == name]
            if len(members):
                rows += [(name, site, layer, *row) for row in _of_members(members, confidence)]
        largest = place["class"].value_counts(normalize=True).max()
        rows.append((ALL_CLASSES, site, layer, "neighbours", "chance", largest, len(place), np.nan, np.nan))
        for method in METHODS:
            scores = _of_clusters(place["class"], place[method], confidence)
            rows += [(ALL_CLASSES, site, layer, method, *row) for row in scores]
    return pd.DataFrame(rows, columns=COLUMNS)


def _of_members(members: pd.DataFrame, confidence: float) -> Iterator[tuple]:
    n = len(members)
    if members["neighbour"].eq("").any():
        yield "neighbours", "accuracy", np.nan, n, np.nan, np.nan
    else:
        accuracy = (members["neighbour"] == members["class"]).mean()
        yield "neighbours", "accuracy", accuracy, n, *wilson_interval(accuracy, n, confidence)
    values = members["silhouette"]
    yield "classes", "silhouette", values.mean(), n, *mean_bounds(values.mean(), values.std(), n, confidence, -1, 1)


def _of_clusters(truth: pd.Series, clusters: pd.Series, confidence: float) -> Iterator[tuple]:
    n = len(truth)
    if clusters.isna().any():
        for statistic in ("homogeneity", "completeness", "v_measure", "nmi", "ari", "ami", "clusters", "noise_share"):
            yield statistic, np.nan, n, np.nan, np.nan
        return
    true, found = pd.factorize(truth)[0], pd.factorize(clusters)[0]
    size = max(true.max(), found.max()) + 1
    estimates = agreement(confusion_matrices(true, found, size, np.ones((1, n))))
    left_out = agreement(confusion_matrices(true, found, size, 1 - np.eye(n)))
    for statistic, (value,) in estimates.items():
        known = statistic == "ari"
        bounds = jackknife_interval(value, left_out[statistic], confidence) if known else (np.nan, np.nan)
        yield statistic, value, n, *np.clip(bounds, -0.5, 1)
    noise = clusters == -1
    yield "ami", adjusted_mutual_info_score(true, found), n, np.nan, np.nan
    yield "clusters", clusters[~noise].nunique(), n, np.nan, np.nan
    yield "noise_share", noise.mean(), n, *wilson_interval(noise.mean(), n, confidence)
