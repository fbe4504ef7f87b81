"""Attention rollout: how tokens after some layers weigh the input tokens.

Abnar and Zuidema (arXiv 2005.00928). The attention of a layer is the mean over its heads, mixed with the identity for
the residual connection: these mixes (L, n, n), float64, have rows that sum to 1. Layer 1 is nearest to the input.
Rollout multiplies the mixes.
"""

from typing import Literal

import torch
from torch import Tensor

from spikegeometry.geometry.heads import HeadTensors, attention_maps, head_tensors


def residual_mix(attention: Tensor, residual: float) -> Tensor:
    """Mean of maps (H, n, n) over heads, mixed with the share `residual` of the identity: (n, n), float64.

    Each row of the mean is first scaled to sum to 1; one of zeros, which brings nothing in, becomes the identity's.
    """
    mean = attention.double().mean(dim=0)
    identity = torch.eye(mean.shape[-1], dtype=mean.dtype)
    total = mean.sum(dim=-1, keepdim=True)
    return residual * identity + (1 - residual) * torch.where(total > 0, mean / total, identity)


def norm_map(tensors: HeadTensors, layer: dict[str, Tensor], heads: list[int]) -> Tensor:
    """||sum over heads h of A_h[i, j] f_h(x_j)||, (n, n), with f_h(x) the value of x through the head's output weights.

    How much of token j goes into token i by attention, which is little where j has small values (Kobayashi et al.,
    arXiv 2004.10102). `heads` are indices from 0. The vectors (n, n, d) are not formed: their lengths follow from the
    products of f_g(x_j) and f_h(x_j), in O(H^2 n^2).
    """
    attention, values = tensors.attention[heads].double(), tensors.v[heads].double()
    width = values.shape[-1]
    weights = layer["output.weight"].double().unflatten(1, (-1, width))[:, heads]
    moved = torch.einsum("hjw,dhw->jhd", values, weights)
    squared = torch.einsum("hij,gij,jhg->ij", attention, attention, moved @ moved.mT)
    return squared.clamp(min=0).sqrt()


def mixed_maps(
    hidden: Tensor,
    layers: list[dict[str, Tensor]],
    total: int,
    eps: float,
    heads: list[int],
    weights: Literal["attention", "norms"],
    residual: float,
) -> Tensor:
    """The mixes (L, n, n) of a sequence from its hidden states (L+1, n, d), of the `heads` (from 0) of `total`.

    `weights`: tokens are weighed by the mean attention, or by `norm_map`. `eps` and `residual`: see `head_tensors` and
    `residual_mix`.
    """
    mixes = []
    for states, layer in zip(hidden, layers, strict=False):
        if weights == "norms":
            maps = norm_map(head_tensors(states, layer, total, eps), layer, heads).unsqueeze(0)
        else:
            maps = attention_maps(states, layer, total)[heads]
        mixes.append(residual_mix(maps, residual))
    return torch.stack(mixes)


def rollout(mixes: Tensor) -> Tensor:
    """Rollout (n, n) of mixes (L, n, n): row i says how token i after layer L weighs the input tokens."""
    product = mixes[0]
    for mix in mixes[1:]:
        product = mix @ product
    return product


def source_rollout(mixes: Tensor, source: Tensor) -> Tensor:
    """Rollout from weights of tokens (..., n) after layer L down to the input tokens: (..., n), in O(L n^2)."""
    for mix in mixes.flip(0):
        source = source @ mix
    return source


def rollout_by_layer(mixes: Tensor, source: int) -> Tensor:
    """Rollout (L, n) from a token after each of the layers down to the input tokens."""
    start = torch.eye(mixes.shape[-1], dtype=mixes.dtype)[source]
    return torch.stack([source_rollout(mixes[: layer + 1], start) for layer in range(len(mixes))])
