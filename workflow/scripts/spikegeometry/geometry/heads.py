"""Tensors of the attention heads of one block, recomputed from the block's input and its weights.

A block is a dict of float32 tensors with the names of `spikegeometry.model.weights.read_layers`. As in torch, a
weight is stored as (out, in), so head h (0-based) owns the output rows h*dh .. (h+1)*dh - 1 of query, key and value,
and the same columns of the output projection. Everything here is for the real tokens of one sequence: without
padding no mask is needed.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

ACTIVATIONS = {
    "gelu": functional.gelu,
    "gelu_new": lambda x: functional.gelu(x, approximate="tanh"),
    "relu": functional.relu,
}

# What the first and the last token are called where tokens are numbered; k-mers count from 1. In sequences of unlike
# length the last stands in unlike places.
CLS, SEP = 0, -1
# Whose attention `profiles` follows.
PROFILES = ("kmers", "cls")
# A row with less attention for k-mers is not scaled up.
MIN_KMER_MASS = 1e-6


@dataclass(frozen=True)
class HeadTensors:
    """What the attention of one block computes for one sequence: H heads, n tokens, width d, head width dh = d/H."""

    q: Tensor  # (H, n, dh) queries
    k: Tensor  # (H, n, dh) keys
    v: Tensor  # (H, n, dh) values
    attention: Tensor  # (H, n, n) softmax over the keys; rows are queries
    z: Tensor  # (H, n, dh) outputs of the heads, attention @ v
    concat: Tensor  # (n, d) outputs of the heads side by side
    mha: Tensor  # (n, d) output projection of `concat`, before the residual
    attention_output: Tensor  # (n, d) LayerNorm of residual and `mha`, with the trained gain and bias


def attention_maps(hidden: Tensor, layer: dict[str, Tensor], heads: int) -> Tensor:
    """Attention (H, n, n) of every head of a block to its input `hidden` (n, d); each row sums to 1."""
    return _attention(_project(hidden, layer, "query", heads), _project(hidden, layer, "key", heads))


def kmer_maps(attention: Tensor) -> tuple[Tensor, Tensor]:
    """Maps (H, n-2, n-2) among the k-mers, each row scaled to sum 1, and the sums (H, n-2) before the scaling.

    The first and last token of `attention` (H, n, n) are [CLS] and [SEP]. Rows whose sum is under MIN_KMER_MASS become
    zero, which is to be read as no row.
    """
    among = attention[:, 1:-1, 1:-1]
    mass = among.sum(dim=-1)
    scale = torch.where(mass < MIN_KMER_MASS, 0, 1 / mass)
    return among * scale.unsqueeze(-1), mass


def profiles(attention: Tensor) -> dict[str, Tensor]:
    """What each k-mer receives in maps (H, n, n), float64 (H, n-2) by variant.

    `kmers`: from the k-mers, each with the same weight and scaled to pay them 1 in all; `cls`: from [CLS], scaled
    likewise. NaN where nothing is left to scale.
    """
    among, mass = kmer_maps(attention.double())
    rows = (mass >= MIN_KMER_MASS).sum(dim=-1, keepdim=True)
    from_cls = attention[:, 0, 1:-1].double()
    total = from_cls.sum(dim=-1, keepdim=True)
    return {
        "kmers": among.sum(dim=-2) / rows,
        "cls": torch.where(total >= MIN_KMER_MASS, from_cls / total, torch.nan),
    }


def token_numbers(n: int) -> list[int]:
    """Numbers of the n tokens of a sequence: CLS, those of the k-mers, SEP."""
    return [CLS, *range(1, n - 1), SEP]


def head_tensors(hidden: Tensor, layer: dict[str, Tensor], heads: int, eps: float) -> HeadTensors:
    """All tensors of a block's attention for its input `hidden` (n, d), the output of the block below.

    `eps` is the model's LayerNorm epsilon.
    """
    q, k, v = (_project(hidden, layer, name, heads) for name in ("query", "key", "value"))
    attention = _attention(q, k)
    z = attention @ v
    concat = z.transpose(0, 1).flatten(1)
    mha = functional.linear(concat, layer["output.weight"], layer["output.bias"])
    return HeadTensors(q, k, v, attention, z, concat, mha, _layer_norm(hidden + mha, layer, "attention_norm", eps))


def head_weights(layer: dict[str, Tensor], name: str, heads: int) -> Tensor:
    """Weights (H, dh, d) of the query, key or value (`name`) of every head of a block."""
    return layer[f"{name}.weight"].unflatten(0, (heads, -1))


def block_output(attention_output: Tensor, layer: dict[str, Tensor], eps: float, activation: str) -> Tensor:
    """Output (n, d) of a block from the output of its attention; `activation` is a key of ACTIVATIONS."""
    inner = functional.linear(attention_output, layer["intermediate.weight"], layer["intermediate.bias"])
    outer = functional.linear(ACTIVATIONS[activation](inner), layer["ffn_output.weight"], layer["ffn_output.bias"])
    return _layer_norm(attention_output + outer, layer, "output_norm", eps)


def _project(hidden: Tensor, layer: dict[str, Tensor], name: str, heads: int) -> Tensor:
    """Queries, keys or values (H, n, dh)."""
    projected = functional.linear(hidden, layer[f"{name}.weight"], layer[f"{name}.bias"])
    return projected.unflatten(-1, (heads, -1)).transpose(0, 1)


def _attention(q: Tensor, k: Tensor) -> Tensor:
    return torch.softmax(q @ k.transpose(1, 2) / math.sqrt(q.shape[-1]), dim=-1)


def _layer_norm(vectors: Tensor, layer: dict[str, Tensor], name: str, eps: float) -> Tensor:
    return functional.layer_norm(vectors, vectors.shape[-1:], layer[f"{name}.weight"], layer[f"{name}.bias"], eps)
