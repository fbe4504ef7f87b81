"""How far the attention of two models is apart on the same input, after Kovaleva et al. (arXiv 1908.08593).

Two maps that spread attention widely have a cosine near 1 whatever they do: a map A of n tokens is uniform attention J
/ n plus a rest that is orthogonal to it, because its rows sum to 1, so that cos(A, J/n) = 1 / |A| with the Frobenius
norm |A|. Two maps with unrelated rests therefore have the cosine 1 / (|A| |B|), their `chance`.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from spikegeometry.geometry.heads import attention_maps, head_weights
from spikegeometry.geometry.patterns import SHARES, special_shares

DESTINATIONS = (*SHARES, "even")
# The smallest float32 above 0: makes 0 log 0 be 0.
TINY = 1e-45


@dataclass(frozen=True)
class View:
    """The attention of the heads of a block in one sequence of n tokens, and what of it every comparison needs."""

    attention: Tensor  # (H, n, n)
    entropy: Tensor  # (H,) mean entropy of the rows, bits
    size: Tensor  # (H,) Frobenius norm
    weights: Tensor  # (H, 2 dh d) of the query and the key


def view(hidden: Tensor, layer: dict[str, Tensor], heads: int) -> View:
    """The view of a block with the input `hidden` (n, d)."""
    maps = attention_maps(hidden, layer, heads)
    weights = torch.cat([head_weights(layer, name, heads).flatten(1) for name in ("query", "key")], dim=1)
    return View(maps, entropy(maps), maps.norm(dim=(-2, -1)), weights)


def entropy(attention: Tensor) -> Tensor:
    """Mean entropy of the rows of maps (H, n, n) in bits: (H,)."""
    return -(attention * attention.clamp(min=TINY).log2()).sum(dim=-1).mean(dim=-1)


def destinations(one: View) -> dict[str, Tensor]:
    """DESTINATIONS, each (H,): where each head's attention goes, and the cosine of its map with uniform attention."""
    return special_shares(one.attention) | {"even": 1 / one.size}


def compare(one: View, other: View) -> dict[str, Tensor]:
    """How the maps of one are to those of the other, each (H,):

    cosine_1, ...   cosine with that of head 1, ... of the other, as vectors of n^2 numbers
    cosine          cosine with that of the same head
    chance          the same, had the two only in common that their rows sum to 1
    js              Jensen-Shannon divergence of the rows of the same head, mean over the rows, in bits (0 to 1)
    weight_change   Frobenius norm of what of its query and key weights is different, over that of the other's;
                    unrelated weights of one size give the root of 2
    """
    sizes = one.size.unsqueeze(1) * other.size
    cosines = one.attention.flatten(1) @ other.attention.flatten(1).T / sizes
    mixed = entropy((one.attention + other.attention) / 2)
    return {f"cosine_{head}": column for head, column in enumerate(cosines.unbind(dim=1), start=1)} | {
        "cosine": cosines.diagonal(),
        "chance": 1 / sizes.diagonal(),
        "js": (mixed - (one.entropy + other.entropy) / 2).clamp(0, 1),
        "weight_change": (one.weights - other.weights).norm(dim=-1) / other.weights.norm(dim=-1),
    }


def alignment(one: Tensor, other: Tensor) -> float:
    """Linear CKA of two representations (n, d) of the same n tokens, in [0, 1]; NaN where all vectors of one are equal.

    Kornblith et al. 2019, arXiv 1905.00414, section 3: the cosine of the matrices of dot products of the centred
    vectors. With few tokens and many coordinates it is high for unrelated vectors too.
    """
    products = [vectors @ vectors.T for vectors in (one - one.mean(dim=0), other - other.mean(dim=0))]
    sizes = products[0].norm() * products[1].norm()
    return ((products[0] * products[1]).sum() / sizes).item() if sizes > 0 else math.nan
