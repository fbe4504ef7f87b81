"""How evenly token vectors use the directions of their space: mean cosine, IsoScore, intrinsic dimension, and others.

Tokens of many sequences are taken together. What is needed of them are sums, so that tokens of a sequence are left out
by subtracting its own.
"""

import operator
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import reduce

import numpy as np
import torch
from torch import Tensor

from spikegeometry.geometry.cones import cone_index

POOLED = (
    *("mean_cosine", "top3_cosine_share", "isoscore", "participation", "top1_variance", "top3_variance_share"),
    *("self_similarity", "adjusted_self_similarity"),
)
WITHIN = (
    "R",
    "R_random",
    "mean_cosine",
    "isoscore",
    "isoscore_isotropic",
    "top1_variance",
    "top3_variance_share",
    "id",
)
POINTS = ("isoscore_isotropic", "id", "points")
STATISTICS = {"pooled": list(POOLED), "exact": list(POINTS), "sequence": list(WITHIN)}
# How many coordinates a few are (Timkey and van Schijndel, arXiv 2109.04404).
FEW = 3
# Variance, as a share of the mean square, that sums in float64 leave of vectors that are all equal.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Sums:
    """Sums over token vectors (width d), float64; those of two sets of sequences add up."""

    tokens: Tensor  # () number of vectors
    vectors: Tensor  # (d,) sum
    products: Tensor  # (d, d) sum of x x^T
    directed: Tensor  # () number of vectors that have a direction
    units: Tensor  # (d,) sum of the vectors at length one
    directed_squared: Tensor  # () sum over sequences of the square of `directed`
    units_squared: Tensor  # (d,) sum over sequences of the square of `units`
    kmer_units: Tensor  # (V, d) `units` of each k-mer
    kmer_tokens: Tensor  # (V,) number of these

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    def __sub__(self, other: "Sums") -> "Sums":
        return Sums(*(getattr(self, field.name) - getattr(other, field.name) for field in fields(self)))


def token_sums(vectors: Tensor, kmers: Tensor, size: int) -> Sums:
    """Sums of the vectors (n, d) of one sequence; `kmers` (n,) numbers their k-mers below `size`, < 0 for unknown."""
    x = vectors.double()
    lengths = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    units = torch.where(lengths > 0, x / lengths, 0)
    known = (kmers >= 0) & (lengths[:, 0] > 0)
    empty = torch.zeros(size, x.shape[-1], dtype=torch.float64)
    directed = torch.count_nonzero(lengths).double()
    return Sums(
        tokens=torch.tensor(float(len(x)), dtype=torch.float64),
        vectors=x.sum(dim=0),
        products=x.mT @ x,
        directed=directed,
        units=units.sum(dim=0),
        directed_squared=directed**2,
        units_squared=units.sum(dim=0) ** 2,
        kmer_units=empty.index_add(0, kmers[known], units[known]),
        kmer_tokens=torch.bincount(kmers[known], minlength=size).double(),
    )


def pooled_statistics(sums: Sums) -> dict[str, float]:
    """POOLED of the vectors behind some sums; NaN where one is not defined.

    mean_cosine: of any two tokens of different sequences (Ethayarajh, arXiv 1909.00512, samples such pairs; this is the
    mean over all), and top3_cosine_share: the share of it that the three coordinates with the largest shares make up
    (Timkey and van Schijndel). self_similarity: mean cosine of two occurrences of a k-mer, the mean over k-mers that
    occur twice or more; adjusted_self_similarity: the same minus mean_cosine. The rest: `variance_statistics`.
    """
    pairs = sums.directed**2 - sums.directed_squared
    shares = (sums.units**2 - sums.units_squared) / torch.where(pairs > 0.5, pairs, torch.nan)
    mean_cosine = shares.sum()
    few = shares.topk(min(FEW, len(shares))).values.sum() / mean_cosine
    several = sums.kmer_tokens > 1.5
    n, of_kmers = sums.kmer_tokens[several], sums.kmer_units[several]
    self_similarity = (((of_kmers**2).sum(dim=-1) - n) / (n * (n - 1))).mean()
    found = {
        "mean_cosine": mean_cosine,
        "top3_cosine_share": few if mean_cosine > 0 else torch.tensor(torch.nan),
        "self_similarity": self_similarity,
        "adjusted_self_similarity": self_similarity - mean_cosine,
    }
    return {name: float(value) for name, value in found.items()} | variance_statistics(_covariance(sums))


def variance_statistics(covariance: Tensor) -> dict[str, float]:
    """How evenly variance is spread, from a covariance (d, d), d > 1; NaN where it is zero.

    With eigenvalues l: participation = (sum l)^2 / sum l^2, from 1 for a line to d; isoscore = (participation - 1) /
    (d - 1), which equals the IsoScore of Rudman et al., arXiv 2108.07344, from 0 for a line to 1; top1_variance, share
    of the largest; top3_variance_share, share of the three coordinates with the largest variance.
    """
    variances = covariance.diagonal()
    total = variances.sum()
    total = torch.where(total > 0, total, torch.nan)
    participation = total**2 / (covariance**2).sum()
    largest = torch.linalg.eigvalsh(covariance)[-1]
    found = {
        "isoscore": (participation - 1) / (len(covariance) - 1),
        "participation": participation,
        "top1_variance": largest / total,
        "top3_variance_share": variances.topk(min(FEW, len(variances))).values.sum() / total,
    }
    return {name: float(value) for name, value in found.items()}


def _covariance(sums: Sums) -> Tensor:
    """Covariance (d, d) of the vectors, zero where rounding is all that is left."""
    mean, squares = sums.vectors / sums.tokens, sums.products / sums.tokens
    covariance = squares - torch.outer(mean, mean)
    return covariance if covariance.trace() > ROUNDING * squares.trace() else torch.zeros_like(covariance)


def isotropic_isoscore(points: int, dimensions: int) -> float:
    """About the IsoScore that `points` vectors without any preferred direction have: it is 1 only for ever more.

    The eigenvalues of their covariance spread (Marchenko and Pastur), so that the participation is 1 / (1/d + 1/m).
    """
    return (1 / (1 / dimensions + 1 / points) - 1) / (dimensions - 1)


def two_nn(points: Tensor) -> float:
    """Intrinsic dimension of points (m, d) by the two nearest neighbours of each; NaN for fewer than three.

    With distances r1 <= r2, ID = m / sum of ln(r2 / r1) (Facco et al., Sci Rep 7:12140). Points that equal another are
    taken once. NaN where all ratios are 1, as on a regular lattice.
    """
    distinct = torch.unique(points, dim=0).double()
    if len(distinct) < 3:
        return float("nan")
    squares = (distinct**2).sum(dim=-1)
    near = squares + squares.unsqueeze(-1) - 2 * distinct @ distinct.mT
    near.fill_diagonal_(torch.inf)
    # The nearest by these, but their distances anew: the difference above loses digits where points are close.
    neighbours = distinct[near.topk(2, largest=False).indices]
    distances = torch.linalg.vector_norm(neighbours - distinct.unsqueeze(1), dim=-1).sort(dim=-1).values
    ratios = torch.log(distances[:, 1] / distances[:, 0]).sum()
    return float(len(distinct) / ratios) if ratios > 0 else float("nan")


def sequence_statistics(vectors: Tensor, sums: Sums, others: Sums) -> dict[str, float]:
    """WITHIN of the token vectors (n, d) of one sequence, given its sums and those of the other sequences.

    R is the cone index over n, R_random what random directions have; mean_cosine is that of one of its tokens and one
    of another sequence; id is by `two_nn`.
    """
    cone = cone_index(vectors.double())
    n, d = vectors.shape
    pairs = sums.directed * others.directed
    variance = variance_statistics(_covariance(sums))
    return {
        "R": float(cone.R),
        "R_random": float(cone.R_random),
        "mean_cosine": float(sums.units @ others.units / pairs) if pairs > 0 else float("nan"),
        "isoscore_isotropic": isotropic_isoscore(n, d),
        "id": two_nn(vectors),
    } | {name: variance[name] for name in ("isoscore", "top1_variance", "top3_variance_share")}


def different_tokens(kmers: list[Tensor]) -> np.ndarray:
    """Where in the concatenation of the sequences' k-mers (each (n,)) a k-mer first stands at its place: int64 (m,).

    Copies of a sequence have almost the same vectors as it: they are not points of their own.
    """
    places = torch.cat([torch.arange(len(one)) for one in kmers])
    return np.unique(torch.stack([places, torch.cat(kmers)]).numpy(), axis=1, return_index=True)[1]


def point_statistics(points: Tensor, different: int) -> dict[str, float]:
    """POINTS of the tokens of several sequences, of which `different_tokens` found as many as `different`.

    isoscore_isotropic is for that many; id is of `points` (m, d), all of them or a sample.
    """
    isotropic = isotropic_isoscore(different, points.shape[1])
    return {"isoscore_isotropic": isotropic, "id": two_nn(points), "points": different}


def layer_isotropy(
    vectors: list[Tensor], kmers: list[Tensor], groups: dict[str, list[int]], everything: str
) -> Iterator[tuple[str, str | None, int | None, dict[str, float]]]:
    """Measure a layer's token vectors (n, d) of each sequence, with the numbers of their k-mers (n,).

    `groups` gives the sequences of each group, `everything` names the one of all. Yields a kind, the group, the
    sequence and statistics: `pooled` (POOLED of a group), `left_out` (the same without that sequence), and `within`
    (WITHIN of the sequence).
    """
    size = int(max(one.max() for one in kmers)) + 1
    totals = {}
    for name, members in groups.items():
        sums = (token_sums(vectors[member], kmers[member], size) for member in members)
        totals[name] = reduce(operator.add, sums)
        yield "pooled", name, None, pooled_statistics(totals[name])
    for member, own in enumerate(token_sums(*one, size) for one in zip(vectors, kmers, strict=True)):
        for name, members in groups.items():
            if member in members:
                yield "left_out", name, member, pooled_statistics(totals[name] - own)
        yield "within", None, member, sequence_statistics(vectors[member], own, totals[everything] - own)
