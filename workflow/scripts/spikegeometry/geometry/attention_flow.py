"""Attention rollout and maximum flow from one token of the last layer down to the input tokens.

Abnar and Zuidema (arXiv 2005.00928). The attention of a layer is the mean over its heads, mixed with the identity for
the residual connection: these mixes (L, n, n), float64, have rows that sum to 1. Layer 1 is nearest to the input.

Rollout multiplies the mixes. Flow takes them as capacities of a graph whose nodes are the tokens on each of the levels
0 .. L, with an edge from token i on level l to token j on level l-1 of capacity mix[l-1, i, j], and asks how much can
run from a source on level L to a sink on level 0. `flow_bounds` bounds it from above for all sinks at once, and often
is the flow; `maximum_flows` computes it for single sinks exactly, to hold the bound against. Read it with care: in deep
networks the flow hardly depends on the source, and is mostly what the first layers give the sink.

Both are held against the gradient of the prediction, which no attention map knows of.
"""

from typing import Any, Literal

import numpy as np
import torch
from scipy import sparse
from scipy.sparse.csgraph import maximum_flow
from scipy.stats import rankdata
from torch import Tensor
from torch.nn import functional

from spikegeometry.geometry.heads import HeadTensors, attention_maps, block_output, head_tensors

# Capacities are whole numbers to scipy: an edge is off by up to half a unit.
UNITS = 10**8
# Less than this between a bound and the flow is rounding.
GAP = 1e-5


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


def gradient_times_input(
    embedded: Tensor, layers: list[dict[str, Tensor]], classifier: dict[str, Tensor], shape: Any
) -> Tensor:
    """|gradient x input| (n,) of each token: of the largest logit, with respect to the embeddings (n, d).

    `layers`, `classifier` and `shape` are what `spikegeometry.model.weights` reads. One pass forward, one backward.
    """
    embedded = embedded.clone().requires_grad_()
    with torch.enable_grad():
        states = embedded
        for layer in layers:
            attention_output = head_tensors(states, layer, shape.heads, shape.eps).attention_output
            states = block_output(attention_output, layer, shape.eps, shape.activation)
        pooled = torch.tanh(functional.linear(states[0], classifier["pooler.weight"], classifier["pooler.bias"]))
        logit = functional.linear(pooled, classifier["classifier.weight"], classifier["classifier.bias"]).max()
    (gradient,) = torch.autograd.grad(logit, embedded)
    return (gradient * embedded).sum(dim=-1).abs().detach().double()


def rank_correlations(measures: dict[str, Tensor], importance: Tensor) -> dict[str, float]:
    """Spearman's correlation of each measure (n,) with `importance` (n,) over the k-mers, as `spearman_<measure>`.

    NaN where either is the same for all k-mers.
    """
    ranks = {name: rankdata(values[1:-1]) for name, values in (measures | {"": importance}).items()}
    centred = {name: values - values.mean() for name, values in ranks.items()}
    of_importance = centred.pop("")
    found = {}
    for name, values in centred.items():
        lengths = np.linalg.norm(values) * np.linalg.norm(of_importance)
        found[f"spearman_{name}"] = float(values @ of_importance / lengths) if lengths else np.nan
    return found


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


def source_dependence(full: Tensor) -> float:
    """Mean total variation distance between the rows of a rollout (n, n) and their mean, in [0, 1].

    0 where all tokens weigh the input alike, so that the rollout of one is not its own.
    """
    return (full - full.mean(dim=0)).abs().sum(dim=-1).mean().item() / 2


def flow_bounds(mixes: Tensor, source: int) -> Tensor:
    """Upper bounds (n,) of the maximum flow from a token after layer L to each input token, in O(L n^2).

    Going down, no more can enter a token from one above it than their edge carries, or than can reach the one above;
    and no more than 1 leaves the source. Exact for two layers. It is never above the cuts that keep the sink's own
    column apart on the levels 0 .. k-1: the sum of what its columns take from other tokens below layer k, and all that
    its column takes in layer k.
    """
    reached = torch.eye(mixes.shape[-1], dtype=mixes.dtype)[source]
    for mix in mixes.flip(0):
        reached = torch.minimum(mix, reached.unsqueeze(-1)).sum(dim=0).clamp(max=1)
    return reached


def maximum_flows(mixes: Tensor, source: int, sinks: list[int]) -> Tensor:
    """Maximum flow (len(sinks),) from a token after layer L to each of the input tokens `sinks`: Dinic's algorithm."""
    layers, n = mixes.shape[:2]
    level, query, key = np.indices(mixes.shape).reshape(3, -1)
    capacities = np.rint(UNITS * mixes.numpy()).astype(np.int32).ravel()
    nodes = n * (layers + 1)
    graph = sparse.csr_array((capacities, (n * (level + 1) + query, n * level + key)), shape=(nodes, nodes))
    graph.eliminate_zeros()
    flows = [maximum_flow(graph, n * layers + source, sink, method="dinic").flow_value for sink in sinks]
    return torch.tensor(flows, dtype=mixes.dtype) / UNITS


def follow(mixes: Tensor, source: int) -> tuple[dict[str, Tensor], dict[str, float]]:
    """What a token after layer L draws from each input token, each (n,), and how much of it is its own.

    `rollout`; `rollout_specific`, the same less the mean rollout of all tokens after layer L; `flow_bound`; and
    `source_dependence`.
    """
    full = rollout(mixes)
    drawn = {
        "rollout": full[source],
        "rollout_specific": full[source] - full.mean(dim=0),
        "flow_bound": flow_bounds(mixes, source),
    }
    return drawn, {"source_dependence": source_dependence(full)}


def check_bounds(mixes: Tensor, source: int, bounds: Tensor, sinks: list[int]) -> tuple[Tensor, dict[str, float]]:
    """The maximum flow (n,) to the input tokens `sinks`, NaN elsewhere, and how far the bounds (n,) are above it.

    `flow_gap_mean` and `flow_gap_max` over the sinks, and `flow_gap_none`, the share of them where the bound is the
    flow, to GAP; NaN without sinks.
    """
    exact = torch.full_like(bounds, torch.nan)
    if not sinks:
        return exact, dict.fromkeys(("flow_gap_mean", "flow_gap_max", "flow_gap_none"), np.nan)
    exact[sinks] = maximum_flows(mixes, source, sinks)
    gaps = (bounds - exact)[sinks]
    return exact, {
        "flow_gap_mean": gaps.mean().item(),
        "flow_gap_max": gaps.max().item(),
        "flow_gap_none": (gaps <= GAP).double().mean().item(),
    }
