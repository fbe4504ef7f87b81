"""Cone index: the length of the sum of unit vectors, which says how narrow the cone is that they point into.

Bonino, Ghione and Cirrincione, arXiv 2502.12033, scale each token vector of a level to length one and take the length
C of their sum. C grows with the number of vectors n, so it stands beside R = C/n, the mean resultant length of
directional statistics, and the mean cosine over all pairs, (C^2 - n) / (n (n - 1)), which does not depend on n. Random
directions, too, have R > 0: never read C or R without that floor. Vectors that are never negative (probabilities) lie
in one orthant and have a higher floor than the one given here.
"""

import math
from dataclasses import dataclass
from functools import cache

import torch
from scipy import stats
from torch import Tensor

RANDOM = ("C_random", "R_random", "R_random_low", "R_random_high")
# Central share of random sets between R_random_low and R_random_high.
RANDOM_SHARE = 0.95
# Largest length, as a share of its own, that float32 leaves of a vector when its equal is subtracted.
RESOLUTION = 1e-5


@dataclass(frozen=True)
class ConeIndex:
    """Cone index of each set in a batch; every field is a float64 tensor with the shape of the batch."""

    C: Tensor  # length of the sum of unit vectors, in [0, n]
    C_random: Tensor  # its expectation for random directions
    R: Tensor  # C / n, in [0, 1]; all but C are NaN for n = 0
    R_random: Tensor  # its expectation for random directions, and the interval of RANDOM_SHARE
    R_random_low: Tensor
    R_random_high: Tensor
    mean_cosine: Tensor  # mean cosine of two different vectors, in [-1/(n-1), 1], 0 if random; NaN for n < 2
    n: Tensor  # vectors that have a direction
    zero_vectors: Tensor  # vectors left out because they have none


def cone_index(vectors: Tensor, dimensions: int | None = None, centred: bool = False) -> ConeIndex:
    """Cone index of sets of vectors (..., n, d). Scaling any vector by a positive number changes nothing.

    `dimensions` is the number of coordinates that can differ from zero, if that is not d; it sets the random floor.
    `centred`: the vectors have been through `centre`, and so have the random directions of the floor (`_centring`).
    """
    lengths = torch.linalg.vector_norm(vectors, dim=-1)
    scale = torch.where(lengths > 0, 1 / lengths, 0)
    total = torch.linalg.vector_norm((scale.unsqueeze(-2) @ vectors).squeeze(-2).double(), dim=-1)
    n = torch.count_nonzero(lengths, dim=-1).double()
    root = torch.where(n > 0, n.sqrt(), torch.nan)
    if centred:
        root = root / _centring(lengths.double(), vectors.shape[-1])
    expected, low, high = (torch.clamp(value / root, max=1) for value in _random(dimensions or vectors.shape[-1]))
    return ConeIndex(
        C=total,
        C_random=n * expected,
        R=total / n,
        R_random=expected,
        R_random_low=low,
        R_random_high=high,
        mean_cosine=torch.where(n > 1, (total**2 - n) / (n * (n - 1)), torch.nan),
        n=n,
        zero_vectors=lengths.shape[-1] - n,
    )


def _centring(norms: Tensor, dimensions: int) -> Tensor:
    """What is left of the random floor when vectors with these norms (..., n) have been centred, by the set.

    Random vectors r u, r independent of the direction u, lose their mean m. To first order in m / r the unit vector
    loses the part of m / r across u, which is 1 - 1/d of it in the mean: the sum of unit vectors becomes that of
    (1 - (1 - 1/d) r <1/r>) u. For normal vectors, whose norms vary by 1 / sqrt(2 d), that leaves 1 / sqrt(2 d).
    """
    known = norms > 0
    count = known.sum(dim=-1, keepdim=True).clamp(min=1)
    inverse = torch.where(known, 1 / norms, 0).sum(dim=-1, keepdim=True) / count
    left = torch.where(known, 1 - (1 - 1 / dimensions) * norms * inverse, 0)
    return (left.square().sum(dim=-1) / count.squeeze(-1)).sqrt()


@cache
def _random(dimensions: int) -> tuple[float, float, float]:
    """Expectation and interval of R sqrt(n) for n random directions.

    The sum of many is normal, so R^2 n d follows the chi-square law with d degrees of freedom (Mardia and Jupp,
    Directional Statistics, Rayleigh's test).
    """
    law = stats.chi(dimensions, scale=1 / math.sqrt(dimensions))
    low, high = law.interval(RANDOM_SHARE)
    return float(law.mean()), float(low), float(high)


def centre(vectors: Tensor) -> Tensor:
    """The vectors (..., n, d) less their mean; what float32 cannot tell from the mean becomes exactly zero."""
    centred = vectors - vectors.mean(dim=-2, keepdim=True)
    left = torch.linalg.vector_norm(centred, dim=-1) > RESOLUTION * torch.linalg.vector_norm(vectors, dim=-1)
    return centred * left.unsqueeze(-1)
