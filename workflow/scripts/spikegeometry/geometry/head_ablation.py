"""Switching attention heads off in a running encoder, and how the loss depends on each head.

The output Z_h of a head is multiplied by a gate xi_h. At 1 nothing changes, not a bit; at 0 the head is out of the sum
that its block adds to the residual, and what stands in its place says the mode: nothing (`zero`: Michel et al. 2019,
arXiv 1905.10650), the output that uniform attention to all real tokens would give, the mean of the values (`uniform`:
Kovaleva et al. 2019, arXiv 1908.08593), or the head's mean output in training (`mean`). Gates are forward hooks on the
`attention.self` of a layer, which has the outputs of all heads side by side; no weight is touched.
Layers and heads are 1-based.
"""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

# What each layer was called with: its positional arguments, of which the first is its input, and the others.
Calls = list[tuple[tuple, dict[str, Any]]]
# From a layer's number, its `attention.self` and the input of that, what stands for a closed head: as (B, n, d).
Fill = Callable[[int, nn.Module, Tensor], Tensor]
# Places of sequences among all, and the model's inputs for them: input_ids and attention_mask, each (B, n).
Batches = Iterable[tuple[np.ndarray, dict[str, Tensor]]]
# A mode, and the heads that are off as pairs of layer and head.
Variant = tuple[str, Collection[tuple[int, int]]]


@dataclass(frozen=True)
class Network:
    """A classifier `model` with BERT's names of modules: L layers of H heads, pooler and classifier."""

    model: nn.Module

    @property
    def layers(self) -> Sequence[nn.Module]:
        return self.model.bert.encoder.layer

    @property
    def heads(self) -> int:
        return self.layers[0].attention.self.num_attention_heads

    def heads_at(self, layer: int, head: float) -> list[tuple[int, int]]:
        """The pair of a layer and a head, or where that is NaN the pairs of all heads of the layer."""
        return [(layer, int(head))] if not math.isnan(head) else [(layer, each) for each in range(1, self.heads + 1)]

    def record(self, inputs: dict[str, Tensor]) -> tuple[Tensor, Calls]:
        """Logits (B, K) of the model as it is, and what it called its layers with, in their order."""
        calls = []

        def keep(layer: nn.Module, arguments: tuple, options: dict) -> None:
            calls.append((arguments, options))

        with _hooks(layer.register_forward_pre_hook(keep, with_kwargs=True) for layer in self.layers):
            return self.model(**inputs).logits, calls

    def restart(self, calls: Calls, first: int) -> Tensor:
        """Logits (B, K) of a recorded batch, computed from the input of the layer `first` on."""
        hidden = calls[first - 1][0][0]
        for layer, ((_, *others), options) in zip(self.layers[first - 1 :], calls[first - 1 :], strict=True):
            hidden = layer(hidden, *others, **options)
        return self.model.classifier(self.model.dropout(self.model.bert.pooler(hidden)))

    def logits_without(self, off: Collection[tuple[int, int]], calls: Calls, fill: Fill) -> Tensor:
        """Logits (B, K) of a recorded batch with the heads `off`, pairs of layer and head, switched off.

        Only the layers from the first one with such a head are computed again.
        """
        gates = {layer: torch.ones(self.heads) for layer, _ in off}
        for layer, head in off:
            gates[layer][head - 1] = 0
        with gated(self.layers, gates, fill):
            return self.restart(calls, min(gates, default=1))

    def gate_gradients(self, calls: Calls, labels: Tensor) -> Tensor:
        """Derivative (B, L, H) of each sequence's cross-entropy by the gate of each head, at 1.

        By the chain rule it is the sum over tokens and coordinates of Z_h dL/dZ_h (Michel et al. 2019, section 4.1,
        take the mean of its size for the importance of the head). `labels` (B,) are numbers of classes.
        """
        gates = [torch.ones(len(labels), self.heads, device=labels.device).requires_grad_() for _ in self.layers]
        with torch.enable_grad(), gated(self.layers, dict(enumerate(gates, start=1)), switched_to_zero):
            loss = functional.cross_entropy(self.restart(calls, 1), labels, reduction="sum")
        # Sequences do not meet in the loss, so the gradient of the sum is that of each one.
        return torch.stack(torch.autograd.grad(loss, gates), dim=1)


@torch.no_grad()
def measure_logits(network: Network, batches: Batches, variants: Sequence[Variant], means: Tensor | None) -> np.ndarray:
    """Logits (1 + V, n, K), float32: of the model as it is, and of each variant.

    A variant is a mode and what is off, pairs of layer and head; `means` as for `fills`.
    """
    places, found = [], []
    for rows, inputs in batches:
        logits, calls = network.record(inputs)
        instead = fills(inputs["attention_mask"], means)
        several = [logits, *(network.logits_without(off, calls, instead[mode]) for mode, off in variants)]
        places.append(rows)
        found.append(torch.stack(several).cpu().numpy())
    return np.concatenate(found, axis=1)[:, np.argsort(np.concatenate(places))]


@torch.no_grad()
def measure_gradients(network: Network, batches: Batches, labels: np.ndarray) -> np.ndarray:
    """Derivatives (n, L, H), float32, of `Network.gate_gradients`; `labels` (n,) are numbers of classes."""
    places, found = [], []
    for rows, inputs in batches:
        of_rows = torch.from_numpy(labels[rows]).long().to(inputs["input_ids"].device)
        places.append(rows)
        found.append(network.gate_gradients(network.record(inputs)[1], of_rows).cpu().numpy())
    return np.concatenate(found)[np.argsort(np.concatenate(places))]


@torch.no_grad()
def mean_outputs(network: Network, batches: Batches) -> Tensor:
    """Mean outputs (L, d) of the heads of each layer, side by side, over all real tokens."""
    sums, tokens = torch.zeros((), dtype=torch.float64), 0
    for _, inputs in batches:
        real = inputs["attention_mask"].bool()
        outputs: list[Tensor] = []
        with _hooks(
            layer.attention.self.register_forward_hook(lambda *call, kept=outputs: kept.append(call[-1][0]))
            for layer in network.layers
        ):
            network.model(**inputs)
        sums = sums + torch.stack([z[real].sum(dim=0, dtype=torch.float64) for z in outputs])
        tokens += int(real.sum())
    return (sums / tokens).float()


def switched_to_zero(layer: int, attention: nn.Module, hidden: Tensor) -> Tensor:
    """Nothing in the place of a closed head."""
    return hidden.new_zeros(())


def uniform_attention(real: Tensor) -> Fill:
    """The mean of the values over the `real` (B, n) tokens in the place of a closed head, the same for each query."""
    weights = (real / real.sum(dim=1, keepdim=True)).unsqueeze(1)
    # Values are linear in the input and the weights sum to 1, so the value of the mean is the mean of the values.
    return lambda layer, attention, hidden: attention.value(weights.to(hidden.dtype) @ hidden)


def fixed_outputs(means: Tensor) -> Fill:
    """Fixed outputs (L, d) in the place of closed heads."""
    return lambda layer, attention, hidden: means[layer - 1]


def fills(real: Tensor, means: Tensor | None) -> dict[str, Fill]:
    """What stands for a closed head in each mode, for a batch whose `real` (B, n) tokens are 1 and others 0.

    `means` (L, d) are those of `mean_outputs`, without which there is no mode `mean`.
    """
    found = {"zero": switched_to_zero, "uniform": uniform_attention(real)}
    return found if means is None else found | {"mean": fixed_outputs(means)}


@contextmanager
def gated(layers: Sequence[nn.Module], gates: Mapping[int, Tensor], fill: Fill) -> Iterator[None]:
    """Gate the heads of `layers` while the context lasts.

    `gates` has, by the layer's number, (H,) or (B, H); where a gate is xi, the output is xi Z_h + (1 - xi) fill.
    """

    def change(layer: int, gate: Tensor, attention: nn.Module, arguments: tuple, output: tuple) -> tuple:
        z, *others = output
        width = z.shape[-1] // gate.shape[-1]
        kept = gate.to(z).repeat_interleave(width, dim=-1).unsqueeze(-2)
        return (kept * z + (1 - kept) * fill(layer, attention, arguments[0]), *others)

    attentions = {layer: layers[layer - 1].attention.self for layer in gates}
    with _hooks(
        attention.register_forward_hook(partial(change, layer, gates[layer])) for layer, attention in attentions.items()
    ):
        yield


@contextmanager
def _hooks(handles: Iterable[torch.utils.hooks.RemovableHandle]) -> Iterator[None]:
    handles = list(handles)
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
