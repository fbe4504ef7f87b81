"""Lengths of the vectors of a head, against the most that they can be.

A token x of a block becomes q = W x + b, so that ||q - b|| <= sigma_1(W) ||x||, with the largest singular value of the
head's weights, and ||q|| is at most ||b|| more; k and v alike. An output z of the head is a mean of the values with the
attention as weights, hence no longer than the longest of them. And the score of a query and a key is at most
||q|| ||k|| / sqrt(dh). How much of a bound is used says how far tokens point where the weights stretch most, and for z,
how far the values that it mixes point one way.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from spikegeometry.geometry.heads import HeadTensors, head_weights
from spikegeometry.geometry.ranks import rank_correlation
from spikegeometry.geometry.spectra import singular_values

STATISTICS = (
    *("mean", "sd", "min", "max", "cv", "p05", "p95"),
    *("sigma_1", "bound", "bound_share", "bound_share_max", "attention_correlation"),
)
# Share of a bound by which rounding may exceed it.
ROUNDING = 1e-4
PROJECTIONS = {"Q": "query", "K": "key", "V": "value"}


@dataclass(frozen=True)
class Norms:
    """Lengths of the vectors of n tokens, in a batch of any shape."""

    length: Tensor  # (..., n)
    bound: Tensor  # (..., n) what the length cannot exceed; NaN where there is no bound
    share: Tensor  # (..., n) share of the bound that is used, where there is a bias that of ||q - b||; NaN for 0 of 0
    sigma_1: Tensor  # (...) largest singular value of the weights that make the vectors; NaN for others


def stretches(layer: dict[str, Tensor], heads: int) -> dict[str, Tensor]:
    """Largest singular value (H,) of the query, key and value weights Q, K and V of each head of a block."""
    return {site: singular_values(head_weights(layer, name, heads))[:, 0] for site, name in PROJECTIONS.items()}


def vector_norms(
    block_input: Tensor, tensors: HeadTensors, layer: dict[str, Tensor], largest: dict[str, Tensor], rows: list[int]
) -> dict[str, Norms]:
    """Norms of the vectors of the heads `rows` (0-based) of a block, and of its input (n, d), for one sequence.

    Q, K, V and Z are (heads, n), and X, the input, (n,). Two numbers a token stand with them that are no lengths: S,
    the largest score of each query, max_j |s_ij|; and A, the mean attention that each token receives, times n, so that
    uniform attention is 1. `largest` are the block's `stretches`. Raises ArithmeticError where a bound does not hold.
    """
    inputs = _length(block_input)
    found = {"X": _norms(inputs, torch.full_like(inputs, torch.nan))}
    for (site, name), vectors in zip(PROJECTIONS.items(), (tensors.q, tensors.k, tensors.v), strict=True):
        bias = layer[f"{name}.bias"].unflatten(0, (len(vectors), 1, -1))[rows]
        stretched = largest[site][rows].unsqueeze(-1) * inputs
        share = _share(_length(vectors[rows] - bias), stretched)
        found[site] = Norms(_length(vectors[rows]), stretched + _length(bias), share, largest[site][rows])
    found["Z"] = _norms(_length(tensors.z[rows]), found["V"].length.amax(dim=-1, keepdim=True))
    root = math.sqrt(tensors.q.shape[-1])
    scores = (tensors.q[rows] @ tensors.k[rows].mT).abs().amax(dim=-1).double() / root
    found["S"] = _norms(scores, found["Q"].length * found["K"].length.amax(dim=-1, keepdim=True) / root)
    n = len(inputs)
    received = tensors.attention[rows].double().mean(dim=-2) * n
    found["A"] = _norms(received, torch.full_like(received, n))
    for site, norms in found.items():
        if (norms.share > 1 + ROUNDING).any():
            raise ArithmeticError(f"{site} exceeds its bound: the heads were not computed as they should be.")
    return found


def statistics(norms: Norms, received: Norms, tokens: slice) -> dict[str, Tensor]:
    """STATISTICS over the given tokens, of which there is at least one; each has the shape of the batch.

    sd is that of just these tokens (divided by n), cv = sd / mean, p05 and p95 are percentiles, `bound` and
    `bound_share` means over the tokens, and `bound_share_max` is the largest share. `attention_correlation` is
    Spearman's, of the lengths with the attention that the tokens of the same heads receive (A of `vector_norms`).
    """
    length, bound, share = (values[..., tokens] for values in (norms.length, norms.bound, norms.share))
    of_heads = norms.length.shape == received.length.shape and norms is not received
    mean, sd = length.mean(dim=-1), length.std(dim=-1, correction=0)
    low, high = torch.quantile(length, torch.tensor([0.05, 0.95], dtype=length.dtype), dim=-1)
    return {
        "mean": mean,
        "sd": sd,
        "min": length.amin(dim=-1),
        "max": length.amax(dim=-1),
        "cv": _share(sd, mean),
        "p05": low,
        "p95": high,
        "sigma_1": norms.sigma_1,
        "bound": bound.mean(dim=-1),
        "bound_share": share.nanmean(dim=-1),
        "bound_share_max": share.nan_to_num(-torch.inf).amax(dim=-1).where(~share.isnan().all(dim=-1), torch.nan),
        "attention_correlation": (
            torch.from_numpy(rank_correlation(length.numpy(), received.length[..., tokens].numpy()))
            if of_heads
            else torch.full_like(mean, torch.nan)
        ),
    }


def _norms(length: Tensor, bound: Tensor) -> Norms:
    return Norms(length, bound.expand_as(length), _share(length, bound), torch.full_like(length[..., 0], torch.nan))


def _length(vectors: Tensor) -> Tensor:
    return torch.linalg.vector_norm(vectors, dim=-1, dtype=torch.float64)


def _share(part: Tensor, whole: Tensor) -> Tensor:
    return torch.where(whole > 0, part / whole, torch.nan)
