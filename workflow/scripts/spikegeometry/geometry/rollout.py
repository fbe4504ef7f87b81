"""Attention rollout: how tokens after some layers weigh the input tokens.

Abnar and Zuidema (arXiv 2005.00928). The attention of a layer is the mean over its heads, mixed with the identity for
the residual connection: these mixes (L, n, n), float64, have rows that sum to 1. Layer 1 is nearest to the input.
Rollout multiplies the mixes.
"""

import torch
from torch import Tensor


def residual_mix(attention: Tensor, residual: float) -> Tensor:
    """Mean of maps (H, n, n) over heads, mixed with the share `residual` of the identity: (n, n), float64."""
    mean = attention.double().mean(dim=0)
    identity = torch.eye(mean.shape[-1], dtype=mean.dtype)
    return residual * identity + (1 - residual) * mean / mean.sum(dim=-1, keepdim=True)


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
