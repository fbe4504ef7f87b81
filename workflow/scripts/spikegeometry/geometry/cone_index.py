"""Cone index: the length of the sum of unit vectors, which says how narrow the cone is that they point into.

Bonino, Ghione and Cirrincione, arXiv 2502.12033, scale each token vector of a level to length one and take the length
C of their sum. C grows with the number of vectors n, so it stands beside R = C/n, the mean resultant length of
directional statistics, and the mean cosine over all pairs, (C^2 - n) / (n (n - 1)), which does not depend on n. Random
directions, too, have R > 0: never read C or R without that floor. Vectors that are never negative (probabilities) lie
in one orthant and have a higher floor than the one given here.
"""

import math
from dataclasses import dataclass, replace
from functools import cache

import torch
from scipy import stats
from torch import Tensor

from spikegeometry.geometry.heads import HeadTensors

RANDOM = ("C_random", "R_random", "R_random_low", "R_random_high")
STATISTICS = ("C", "R", "mean_cosine", *RANDOM, "zero_vectors")
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


def cone_index(vectors: Tensor, dimensions: int | None = None) -> ConeIndex:
    """Cone index of sets of vectors (..., n, d). Scaling any vector by a positive number changes nothing.

    `dimensions` is the number of coordinates that can differ from zero, if that is not d; it sets the random floor.
    """
    lengths = torch.linalg.vector_norm(vectors, dim=-1)
    scale = torch.where(lengths > 0, 1 / lengths, 0)
    total = torch.linalg.vector_norm((scale.unsqueeze(-2) @ vectors).squeeze(-2).double(), dim=-1)
    n = torch.count_nonzero(lengths, dim=-1).double()
    root = torch.where(n > 0, n.sqrt(), torch.nan)
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


@cache
def _random(dimensions: int) -> tuple[float, float, float]:
    """Expectation and interval of R sqrt(n) for n random directions.

    The sum of many is normal, so R^2 n d follows the chi-square law with d degrees of freedom (Mardia and Jupp,
    Directional Statistics, Rayleigh's test).
    """
    law = stats.chi(dimensions, scale=1 / math.sqrt(dimensions))
    return float(law.mean()), *map(float, law.interval(RANDOM_SHARE))


def centre(vectors: Tensor) -> Tensor:
    """The vectors (..., n, d) less their mean; what float32 cannot tell from the mean becomes exactly zero."""
    centred = vectors - vectors.mean(dim=-2, keepdim=True)
    left = torch.linalg.vector_norm(centred, dim=-1) > RESOLUTION * torch.linalg.vector_norm(vectors, dim=-1)
    return centred * left.unsqueeze(-1)


def silence_rogue(vectors: Tensor, coordinates: int) -> Tensor:
    """The vectors (..., n, d) with the `coordinates` coordinates of highest variance in each set put to zero.

    A few such coordinates can rule every cosine (Timkey and van Schijndel, arXiv 2109.04404).
    """
    rogue = vectors.var(dim=-2, correction=0).topk(min(coordinates, vectors.shape[-1])).indices
    kept = torch.ones_like(vectors[..., 0, :]).scatter(-1, rogue, 0)
    return vectors * kept.unsqueeze(-2)


def cone_variants(vectors: Tensor, rogue_coordinates: int, floor: bool = True) -> dict[str, ConeIndex]:
    """Cone index of sets of vectors (..., n, d) as they are, centred, and without their rogue coordinates.

    Without `floor` what belongs to random directions is NaN: these are no yardstick for probabilities, which are never
    negative.
    """
    cones = {
        "all": cone_index(vectors),
        "centred": cone_index(centre(vectors)),
        "without_rogue": cone_index(
            silence_rogue(vectors, rogue_coordinates), max(vectors.shape[-1] - rogue_coordinates, 1)
        ),
    }
    if floor:
        return cones
    unknown = dict.fromkeys(RANDOM, torch.full(vectors.shape[:-2], torch.nan, dtype=torch.float64))
    return {variant: replace(cone, **unknown) for variant, cone in cones.items()}


def token_cone_variants(vectors: Tensor, rogue_coordinates: int) -> dict[str, ConeIndex]:
    """`cone_variants` of a sequence's token vectors (..., n, d), and without the first and last: [CLS] and [SEP]."""
    return cone_variants(vectors, rogue_coordinates) | {"without_special": cone_index(vectors[..., 1:-1, :])}


def sites(block_input: Tensor, tensors: HeadTensors, block_output: Tensor, heads: list[int]) -> dict[str, Tensor]:
    """Token vectors on their way through a block, by place: (n, d), and (len(heads), n, dh) for the 1-based `heads`."""
    return {
        "input": block_input,
        "head": tensors.z[[head - 1 for head in heads]],
        "concat": tensors.concat,
        "mha": tensors.mha,
        "attn_out": tensors.attention_output,
        "output": block_output,
    }


def embedding_sites(tokens: Tensor, embeddings: dict[str, Tensor]) -> dict[str, Tensor]:
    """Vectors of a sequence's token ids (n,) before the LayerNorm of the embeddings, by place: (n, d).

    `embed_word`: the word embedding alone; `embed_sum`: with those of the position and of the first type, which is
    what LayerNorm takes. `embeddings` is from `spikegeometry.model.weights.read_embeddings`.
    """
    word = embeddings["word"][tokens]
    return {"embed_word": word, "embed_sum": word + embeddings["position"][: len(tokens)] + embeddings["type"][0]}
