"""Attention rollout and maximum flow from one token of the last layer down to the input tokens.

Abnar and Zuidema (arXiv 2005.00928). Both start from the mixes of attention and identity (L, n, n) of
`spikegeometry.geometry.rollout`. Flow takes them as capacities of a graph whose nodes are the tokens on each of the
levels 0 .. L, with an edge from token i on level l to token j on level l-1 of capacity mix[l-1, i, j], and asks how
much can run from a source on level L to a sink on level 0. `flow_bounds` bounds it from above for all sinks at once,
and often is the flow; `maximum_flows` computes it for single sinks exactly, to hold the bound against. Read it with
care: in deep networks the flow hardly depends on the source, and is mostly what the first layers give the sink.

Both are compared with the gradient of the prediction, which no attention map knows of.
"""

from typing import Any

import numpy as np
import torch
from scipy import sparse
from scipy.sparse.csgraph import maximum_flow
from torch import Tensor

from spikegeometry.geometry.heads import block_output, head_tensors
from spikegeometry.geometry.ranks import rank_correlation
from spikegeometry.geometry.readout import classifier_outputs
from spikegeometry.geometry.rollout import rollout

# Capacities are whole numbers to scipy: an edge is off by up to half a unit.
UNITS = 10**8
# Less than this between a bound and the flow is rounding.
GAP = 1e-5


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
        logit = classifier_outputs(states[0], classifier)["logits"].max()
    (gradient,) = torch.autograd.grad(logit, embedded)
    return (gradient * embedded).sum(dim=-1).abs().detach().double()


def rank_correlations(measures: dict[str, Tensor], importance: Tensor) -> dict[str, float]:
    """Spearman's correlation of each measure (n,) with `importance` (n,) over the k-mers, as `spearman_<measure>`.

    NaN where either is the same for all k-mers.
    """
    of_importance = importance[1:-1].numpy()
    return {
        f"spearman_{name}": float(rank_correlation(values[1:-1].numpy(), of_importance))
        for name, values in measures.items()
    }


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

    `rollout`; `rollout_specific`, the same minus the mean rollout of all tokens after layer L; `flow_bound`; and
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
