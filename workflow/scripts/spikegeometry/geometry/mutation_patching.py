"""Where in a classifier a mutation is read and written: activations of one run of the network put into another.

Two runs of the same network, clean and corrupted, read sequences that differ at a few tokens. A patch gives one run, at
some tokens of one place in the network, the activation of the other, and all that follows is computed again: in the
corrupted run it says what the clean activation restores (denoising), in the clean run what the corrupted one destroys
(noising; Meng et al. 2022, arXiv 2202.05262; Heimersheim and Nanda 2024, arXiv 2404.15255). Whatever a part of a layer
puts out at some tokens, only the layer's output at these changes, so that every patch comes down to other vectors in
the residual stream. Only the layers above are computed again, the last of them for [CLS] alone, which is all that the
classifier reads. A cut closes edges of attention: before the softmax keys are hidden from queries (Geva et al. 2023,
arXiv 2304.14767). Layers and heads are 1-based.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from spikegeometry.geometry.head_ablation import Network

# Tokens by what they are called.
Tokens = Mapping[str, Sequence[int]]
CLS = [0]
# Runs of a pair, by their places in a batch of two.
CLEAN, CORRUPTED = 0, 1
# Parts of the network: the residual stream that enters a layer, the output of a head, and of a feed-forward part.
RESIDUAL, HEAD, MLP = SITES = ("residual", "head", "mlp")
# Edges of attention from tokens to the one or to all other tokens, that are cut.
TO_CLS, TO_OTHERS = CUTS = ("to_cls", "to_others")
# Of no one layer or head: cuts in all layers, and parts that have no heads.
ALL, NONE = 0, 0


class Place(NamedTuple):
    """What is patched or cut: one of SITES or CUTS, at which tokens (a name), in which layer and head."""

    site: str
    at: str
    layer: int
    head: int = NONE


class Patch(NamedTuple):
    """Other vectors (2, t, d) for `tokens` (t) of the residual stream that enters a layer, in both runs of a pair."""

    place: Place
    layer: int
    tokens: list[int]
    vectors: Tensor


@dataclass(frozen=True)
class Pair:
    """The clean and the corrupted run of a network.

    `inputs` has the residual stream (2, n, d) that enters each layer, and that which leaves the last; `logits` (2, K).
    """

    inputs: list[Tensor]
    logits: Tensor


@dataclass(frozen=True)
class Patching:
    """A classifier whose `layers` and `heads` are patched, `batch_size` sequences at a time."""

    network: Network
    layers: Sequence[int]
    heads: Sequence[int]
    batch_size: int

    def run(self, ids: Tensor) -> Pair:
        """The runs of a clean and a corrupted sequence of one length, without padding: their ids (2, n)."""
        inputs = [self.network.model.bert.embeddings(ids)]
        for layer in self.network.layers:
            inputs.append(block_output(layer, inputs[-1], head_outputs(layer, inputs[-1], inputs[-1])))
        return Pair(inputs, self._classify(inputs[-1]))

    def attention(self, pair: Pair, tokens: Sequence[int]) -> Tensor:
        """What [CLS] pays the tokens together in the clean run: (layers, heads), of those that are patched."""
        maps = [
            cls_attention(self.network.layers[layer - 1], pair.inputs[layer - 1][CLEAN])[:, list(tokens)].sum(dim=1)
            for layer in self.layers
        ]
        return torch.stack(maps)[:, [head - 1 for head in self.heads]]

    def patched(self, pair: Pair, at: Tokens, of_stream: Tokens) -> tuple[list[Place], Tensor]:
        """Places (P) and logits (P, 2, K) of all patches of a pair, at tokens by their names.

        Each run is given the other's activation: the first is the clean run, noised, the second the corrupted one,
        denoised. `at` the one tokens all SITES are patched, and the residual stream `of_stream`, the others, too. A
        head's and a feed-forward part's activation is its output at the tokens.
        """
        patches = sorted(self._patches(pair, at, of_stream), key=lambda patch: patch.layer)
        places: list[Place] = []
        logits: list[Tensor] = []
        several = max(1, self.batch_size // 2)
        for layer, group in groupby(patches, key=lambda patch: patch.layer):
            members = list(group)
            for start in range(0, len(members), several):
                batch = members[start : start + several]
                hidden = pair.inputs[layer - 1].repeat(len(batch), 1, 1)
                for number, patch in enumerate(batch):
                    hidden[2 * number : 2 * number + 2, patch.tokens] = patch.vectors
                places += [patch.place for patch in batch]
                logits.append(self._finish(hidden, layer).unflatten(0, (len(batch), 2)))
        return places, torch.cat(logits)

    def cut(self, pair: Pair, at: Tokens) -> tuple[list[Place], Tensor]:
        """Places (P) and logits (P, 2, K) of a pair without edges of attention from tokens `at` by their names.

        TO_CLS hides the tokens from [CLS], in one layer or in all; TO_OTHERS from all tokens but [CLS] and themselves,
        in all layers.
        """
        token = torch.arange(pair.inputs[0].shape[1], device=pair.logits.device)
        is_cls = token == CLS[0]
        places: list[Place] = []
        logits: list[Tensor] = []
        for name, tokens in at.items():
            closed = torch.isin(token, torch.tensor(list(tokens), device=token.device))
            for number in self.layers:
                layer, hidden = self.network.layers[number - 1], pair.inputs[number - 1]
                after = pair.inputs[number].clone()
                after[:, CLS] = block_output(
                    layer, hidden[:, CLS], head_outputs(layer, hidden[:, CLS], hidden, ~closed[None])
                )
                places.append(Place(TO_CLS, name, number))
                logits.append(self._finish(after, number + 1))
            for site, queries in ((TO_CLS, is_cls), (TO_OTHERS, ~is_cls & ~closed)):
                places.append(Place(site, name, ALL))
                logits.append(self._finish(pair.inputs[0], 1, ~(queries[:, None] & closed)))
        return places, torch.stack(logits)

    def _patches(self, pair: Pair, at: Tokens, of_stream: Tokens) -> Iterator[Patch]:
        for number in self.layers:
            layer, hidden = self.network.layers[number - 1], pair.inputs[number - 1]
            for name, places in {**at, **of_stream}.items():
                yield Patch(Place(RESIDUAL, name, number), number, list(places), hidden[:, list(places)].flip(0))
            for name, places in at.items():
                tokens = list(places)
                own = hidden[:, tokens]
                z = head_outputs(layer, own, hidden)
                inner = feed_forward(layer, layer.attention.output(z, own))
                after = block_output(layer, own, z, instead=inner.flip(0))
                yield Patch(Place(MLP, name, number), number + 1, tokens, after)
                width = z.shape[-1] // self.network.heads
                for head in self.heads:
                    columns = slice((head - 1) * width, head * width)
                    other = z.clone()
                    other[..., columns] = z.flip(0)[..., columns]
                    yield Patch(Place(HEAD, name, number, head), number + 1, tokens, block_output(layer, own, other))

    def _finish(self, hidden: Tensor, first: int, edges: Tensor | None = None) -> Tensor:
        """Logits (B, K) from the residual stream (B, n, d) that enters the layer `first`, or leaves the last one.

        `edges` (n, n) is true where a query may see a key.
        """
        for layer in self.network.layers[first - 1 : -1]:
            hidden = block_output(layer, hidden, head_outputs(layer, hidden, hidden, edges))
        if first <= len(self.network.layers):
            layer, cls = self.network.layers[-1], hidden[:, CLS]
            hidden = block_output(layer, cls, head_outputs(layer, cls, hidden, None if edges is None else edges[CLS]))
        return self._classify(hidden)

    def _classify(self, hidden: Tensor) -> Tensor:
        return self.network.model.classifier(self.network.model.bert.pooler(hidden))


def head_outputs(layer: nn.Module, queries: Tensor, hidden: Tensor, edges: Tensor | None = None) -> Tensor:
    """Outputs of a layer's heads, side by side, (B, q, d), for `queries` (B, q, d) among its inputs `hidden` (B, n, d).

    `edges` (q, n) is true where a query may see a key.
    """
    own = layer.attention.self
    q, k, v = (
        each(vectors).unflatten(-1, (own.num_attention_heads, -1)).transpose(-3, -2)
        for each, vectors in ((own.query, queries), (own.key, hidden), (own.value, hidden))
    )
    return functional.scaled_dot_product_attention(q, k, v, attn_mask=edges).transpose(-3, -2).flatten(-2)


def cls_attention(layer: nn.Module, hidden: Tensor) -> Tensor:
    """Attention (H, n) of [CLS] in a layer whose input is `hidden` (n, d)."""
    own = layer.attention.self
    q, k = (
        each(vectors).unflatten(-1, (own.num_attention_heads, -1)).transpose(-3, -2)
        for each, vectors in ((own.query, hidden[CLS]), (own.key, hidden))
    )
    return (q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5).softmax(dim=-1)[:, 0]


def feed_forward(layer: nn.Module, attention_output: Tensor) -> Tensor:
    """Output (..., d) of a layer's feed-forward part, before the residual, for the output (..., d) of its attention."""
    return layer.output.dense(layer.intermediate(attention_output))


def block_output(layer: nn.Module, hidden: Tensor, z: Tensor, instead: Tensor | None = None) -> Tensor:
    """Output (..., d) of a layer at tokens of its input `hidden` (..., d) where its heads put out `z` (..., d).

    `instead` (..., d) stands for the output of its feed-forward part.
    """
    attention_output = layer.attention.output(z, hidden)
    inner = feed_forward(layer, attention_output) if instead is None else instead
    return layer.output.LayerNorm(inner + attention_output)


def restored(clean: np.ndarray, corrupted: np.ndarray, runs: np.ndarray) -> dict[str, np.ndarray]:
    """Effects (...) of patches by direction, where a score is `clean` and `corrupted` (...) without them.

    `runs` (..., 2) are the scores of the patched clean and of the patched corrupted run. 0 is no effect. At 1 the
    corrupted run has the clean score (`denoise`), or the clean run the corrupted one (`noise`).
    """
    change = clean - corrupted
    return {"denoise": (runs[..., CORRUPTED] - corrupted) / change, "noise": (clean - runs[..., CLEAN]) / change}


def lost(clean: np.ndarray, corrupted: np.ndarray, runs: np.ndarray) -> np.ndarray:
    """Share (...) of the change from `corrupted` to `clean` (...) that is gone between `runs` (..., 2) after a cut."""
    return 1 - (runs[..., CLEAN] - runs[..., CORRUPTED]) / (clean - corrupted)
