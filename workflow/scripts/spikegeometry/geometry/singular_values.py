"""Ranks and singular values of what a head multiplies: attention A, value weights W_v, values V, outputs Z = A V.

A rank counts the singular values that exceed a share of the largest, so that matrices of any scale compare. For
matrices that were computed in float32 that share is the resolution max(m, n) eps of that format; as such a rank is full
for almost any matrix of data, a larger share is the one to look at.

Three bounds hold for every head, `check_bounds`. A row of A sums to 1, hence A 1 = 1 and sigma_1(A) >= 1; and no row is
longer than 1, hence sigma_1(A) <= sqrt(n), which is reached where all queries attend to one key alone. And for every i,

    sigma_i(Z) <= min(sigma_i(A) sigma_1(V), sigma_1(A) sigma_i(V))

(Horn), so that the exact rank of Z is at most that of A and of V. The same is not true of ranks relative to the
largest singular value: where V has next to nothing in the direction that A leaves largest, Z shows small singular
values of A as large ones.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from spikegeometry.geometry.heads import HeadTensors
from spikegeometry.geometry.spectra import singular_values

STATISTICS = (
    "sigma_1",
    "sigma_min",
    "rank",
    "relative_rank",
    "stable_rank",
    "effective_rank",
    "small_share",
    "ratio_max_min",
    "ratio_second_min",
)
# Upper edges of the bins of `histogram`, as shares of the largest singular value. The first holds what float32 cannot
# tell from zero; the others are ten a decade.
DECADES, BINS_PER_DECADE = 6, 10
BIN_EDGES = (0.0, *(10 ** (i / BINS_PER_DECADE - DECADES) for i in range(1, DECADES * BINS_PER_DECADE + 1)))
# Share of a bound by which rounding may exceed it.
ROUNDING = 1e-4


@dataclass(frozen=True)
class Spectrum:
    """Singular values of a batch of matrices (..., m, n) that were computed in float32."""

    sigma: Tensor  # (..., min(m, n)), largest first
    resolution: float  # max(m, n) eps: the share of the largest up to which a singular value may be rounding


def spectrum(matrices: Tensor) -> Spectrum:
    """Singular values of matrices (..., m, n)."""
    return Spectrum(singular_values(matrices), max(matrices.shape[-2:]) * torch.finfo(torch.float32).eps)


def sites(tensors: HeadTensors, block_output: Tensor, rows: list[int]) -> dict[str, Tensor]:
    """The matrices of a block for one sequence: A, V and Z of the heads `rows` (0-based), and its output Y (n, d)."""
    return {"A": tensors.attention[rows], "V": tensors.v[rows], "Z": tensors.z[rows], "Y": block_output}


def statistics(of: Spectrum, threshold: float) -> dict[str, Tensor]:
    """STATISTICS of each matrix of the batch.

    sigma_1, sigma_min  the largest and smallest of its min(m, n) singular values
    rank                singular values above the resolution of float32
    relative_rank       singular values above `threshold` sigma_1
    stable_rank         sum sigma^2 / sigma_1^2
    effective_rank      exp of the entropy of sigma / sum sigma (Roy and Vetterli, 2007)
    small_share         share of the singular values that `relative_rank` leaves out
    ratio_max_min       sigma_1 / sigma_min, the condition number
    ratio_second_min    second smallest / sigma_min

    NaN where the matrix is zero: `stable_rank` and `effective_rank`; where sigma_min is no more than the resolution:
    the ratios; with one singular value: `ratio_second_min`.
    """
    sigma = of.sigma
    largest, smallest = sigma[..., 0], sigma[..., -1]
    relative_rank = _count_above(sigma, threshold)
    resolved = smallest > of.resolution * largest
    second = sigma[..., -2] if sigma.shape[-1] > 1 else torch.full_like(smallest, torch.nan)
    return {
        "sigma_1": largest,
        "sigma_min": smallest,
        "rank": _count_above(sigma, of.resolution),
        "relative_rank": relative_rank,
        "stable_rank": sigma.square().sum(dim=-1) / largest.square(),
        "effective_rank": torch.special.entr(sigma / sigma.sum(dim=-1, keepdim=True)).sum(dim=-1).exp(),
        "small_share": 1 - relative_rank / sigma.shape[-1],
        "ratio_max_min": torch.where(resolved, largest / smallest, torch.nan),
        "ratio_second_min": torch.where(resolved, second / smallest, torch.nan),
    }


def histogram(of: Spectrum) -> dict[str, Tensor]:
    """Bins by their upper edge, BIN_EDGES, and the share of all singular values of the batch that each holds.

    A singular value is taken as a share of the largest of its matrix.
    """
    relative = of.sigma / of.sigma[..., :1]
    zero = ~(relative > of.resolution)
    place = ((relative.log10() + DECADES) * BINS_PER_DECADE).floor().clamp(0, len(BIN_EDGES) - 2) + 1
    counts = torch.bincount(torch.where(zero, 0, place).long().flatten(), minlength=len(BIN_EDGES))
    return {"up_to": torch.tensor(BIN_EDGES, dtype=torch.float64), "share": counts / of.sigma.numel()}


def check_bounds(attention: Spectrum, values: Spectrum, outputs: Spectrum) -> None:
    """Raise ArithmeticError where spectra (H, k) of A, V and Z of the same heads break a bound that always holds."""
    a, v, z = attention.sigma, values.sigma, outputs.sigma
    k = z.shape[-1]
    slack = ROUNDING * a[..., :1] * v[..., :1]
    horn = torch.minimum(a[..., :k] * v[..., :1], a[..., :1] * v[..., :k])
    held = {
        "1 <= sigma_1(A)": a[..., 0] >= 1 - ROUNDING,
        "sigma_1(A) <= sqrt(n)": a[..., 0] <= math.sqrt(a.shape[-1]) * (1 + ROUNDING),
        "sigma_i(Z) <= min(sigma_i(A) sigma_1(V), sigma_1(A) sigma_i(V))": (z <= horn + slack).all(dim=-1),
    }
    for bound, holds in held.items():
        if not holds.all():
            raise ArithmeticError(f"The bound {bound} does not hold: the heads were not computed as they should be.")


def _count_above(sigma: Tensor, share: float) -> Tensor:
    return (sigma > share * sigma[..., :1]).sum(dim=-1)
