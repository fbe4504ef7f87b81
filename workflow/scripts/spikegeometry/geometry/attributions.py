"""Which tokens decide: attributions of a class's logit to the input tokens, and how well they find wanted tokens.

Integrated gradients (Sundararajan, Taly and Yan, arXiv 1703.01365) move the token embeddings on a straight line from
those of a baseline to those of the sequence, and add up the gradient of the logit on the way. What the tokens get sums
to the change of the logit from baseline to sequence (completeness), up to the error of the quadrature. A token that
is the baseline's own gets exactly 0.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from captum.attr import LayerIntegratedGradients
from torch import Tensor
from torch.nn import Module

from spikegeometry.geometry.heads import CLS, attention_maps
from spikegeometry.geometry.ranks import rank_correlation
from spikegeometry.geometry.rollout import residual_mix, source_rollout


@dataclass(frozen=True)
class Attribution:
    """What each of n tokens counts for (n,), float64; for gradients also the change of the logit from baseline to
    sequence, and how far the sum of the tokens is from it."""

    tokens: Tensor
    change: float = math.nan
    gap: float = math.nan


def integrated_gradients(
    forward: Callable[[Tensor], Tensor],
    embedding: Module,
    ids: Tensor,
    baseline: Tensor,
    target: int,
    steps: int,
    batch_size: int,
) -> Attribution:
    """Attribution of the logit `target` of `forward(ids (b, n)) -> (b, K)` to the tokens `ids` (n,).

    `embedding` is the layer that turns ids into vectors; `baseline` (n,) are ids too; `steps` points of Gauss-Legendre
    quadrature are run in batches of `batch_size`.
    """
    method = LayerIntegratedGradients(forward, embedding)
    vectors = method.attribute(ids[None], baseline[None], target=target, n_steps=steps, internal_batch_size=batch_size)
    tokens = vectors[0].detach().double().sum(dim=-1).cpu()
    with torch.no_grad():
        own, start = (forward(one[None])[0, target].double().item() for one in (ids, baseline))
    return Attribution(tokens, own - start, abs(tokens.sum().item() - (own - start)))


@dataclass(frozen=True)
class Explainer:
    """What asks a classifier which tokens decide.

    forward: from ids (b, n) to logits (b, K); embedding: its layer that turns ids into vectors; layers: weights of each
    block, with this number of heads; reference: ids of the reference's sequence; mask: id of [MASK]; baselines:
    `reference`, `mask` or both; residual: share of the identity in a rollout.
    """

    forward: Callable[[Tensor], Tensor]
    embedding: Module
    layers: list[dict[str, Tensor]]
    heads: int
    reference: Tensor
    mask: int
    baselines: list[str]
    steps: int
    batch_size: int
    residual: float

    def starts(self, ids: Tensor) -> dict[str, Tensor]:
        """Ids (n,) of every baseline for the sequence `ids` (n,)."""
        return {"reference": in_length(self.reference, len(ids), self.mask), "mask": masked(ids, self.mask)}

    def differs(self, ids: Tensor) -> Tensor:
        """Which k-mers (n-2,) of a sequence are not the reference's."""
        return (ids != self.starts(ids)["reference"])[1:-1]

    def explain(self, ids: Tensor, hidden: Tensor, target: int) -> dict[str, Attribution]:
        """What each token of a sequence counts for by each method: its ids (n,), and its hidden states (L+1, n, d).

        `gradients_<baseline>`: integrated gradients of the logit `target`; `attention`: what [CLS] attends to in the
        last layer, the mean over its heads; `rollout`: the rollout from [CLS] through all layers.
        """
        starts, device = self.starts(ids), next(self.embedding.parameters()).device
        rest = (target, self.steps, self.batch_size)
        found = {
            f"gradients_{name}": integrated_gradients(
                self.forward, self.embedding, ids.to(device), starts[name].to(device), *rest
            )
            for name in self.baselines
        }
        below = zip(hidden, self.layers, strict=False)
        maps = [attention_maps(states, layer, self.heads) for states, layer in below]
        mixes = torch.stack([residual_mix(layer, self.residual) for layer in maps])
        start = torch.eye(len(ids), dtype=mixes.dtype)[CLS]
        found["attention"] = Attribution(maps[-1].double().mean(dim=0)[CLS])
        found["rollout"] = Attribution(source_rollout(mixes, start))
        return found


def judged(
    found: dict[str, Attribution], wanted: Tensor, others: Tensor, differs: Tensor, cutoffs: list[int]
) -> Iterator[tuple[dict[str, str], dict[str, float]]]:
    """Labels (method, k) and statistics of what was found, against the `wanted` k-mers (n-2,), of which there are some.

    `others` (n-2,): those that other classes are known by.

    `precisions` at each cutoff, and at k = "R", the number of wanted k-mers; that number, the number of differing
    k-mers and the share of the wanted that differ; the change of the logit, the gap and its share of the change; and,
    with the gradients from the mask, which give every k-mer its share, how far both kinds of attention agree with
    their size: Spearman's correlation, and rollout's less that of the last layer.
    """
    slots = int(wanted.sum())
    kmers = {method: one.tokens[1:-1] for method, one in found.items()}
    for method, values in kmers.items():
        for label, k in {"R": slots, **{str(k): k for k in cutoffs}}.items():
            yield {"method": method, "k": label}, precisions(values, wanted, others, differs, k)
    met = (wanted & differs).sum().item() / slots
    yield {"method": "", "k": ""}, {"slots": slots, "differing": int(differs.sum()), "slots_differing": met}
    for method, one in found.items():
        if not math.isnan(one.gap):
            relative = one.gap / abs(one.change) if one.change else math.nan
            yield {"method": method, "k": ""}, {"change": one.change, "gap": one.gap, "relative_gap": relative}
    if "gradients_mask" in kmers:
        size = kmers["gradients_mask"].abs()
        agreement = {
            name: float(rank_correlation(kmers[name].numpy(), size.numpy())) for name in ("attention", "rollout")
        }
        for method, value in agreement.items():
            yield {"method": method, "k": ""}, {"agreement": value}
        yield {"method": "", "k": ""}, {"agreement_gain": agreement["rollout"] - agreement["attention"]}


def in_length(baseline: Tensor, n: int, filler: int) -> Tensor:
    """The baseline's tokens for a sequence of n: k-mers left out at its end, or added as the token `filler`."""
    kmers = baseline[1:-1][: n - 2]
    added = kmers.new_full((n - 2 - len(kmers),), filler)
    return torch.cat([baseline[:1], kmers, added, baseline[-1:]])


def masked(ids: Tensor, mask: int) -> Tensor:
    """The tokens (n,) with every k-mer replaced by the token `mask`, between their own [CLS] and [SEP]."""
    return torch.cat([ids[:1], torch.full_like(ids[1:-1], mask), ids[-1:]])


def precision_at(scores: Tensor, wanted: Tensor, k: int) -> float:
    """Share of `wanted` (n,) tokens, true or false, among the k with the largest `scores` (n,).

    Of equal scores at the border, some are taken at random: this is the expected share. Of fewer than k tokens all are
    taken.
    """
    k = min(k, len(scores))
    border = scores.sort(descending=True).values[k - 1]
    above, tied = scores > border, scores == border
    hits = wanted[above].sum() + (k - above.sum()) * wanted[tied].double().mean()
    return (hits / k).item()


def precisions(scores: Tensor, wanted: Tensor, others: Tensor, differs: Tensor, k: int) -> dict[str, float]:
    """`precision` of scores (n,) at k, and that of chance: among all tokens, and among those that differ first.

    `differs` (n,) says which tokens are not the reference's. `chance` takes any k tokens; `chance_differing` takes
    differing tokens in random order and others only after them: what a list of the differences gives without a model.
    `excess` and `excess_differing` are the precision less each. `excess_sites` is the precision among the wanted and
    the `others` (n,) alone, less the share of the wanted among these; NaN without others.
    """
    precision, sites = precision_at(scores, wanted, k), wanted | others
    among_sites = precision_at(scores[sites], wanted[sites], k) - wanted[sites].double().mean().item()
    chance, differing = wanted.double().mean().item(), precision_at(differs.double(), wanted, k)
    return {
        "precision": precision,
        "chance": chance,
        "chance_differing": differing,
        "excess": precision - chance,
        "excess_differing": precision - differing,
        "excess_sites": among_sites if others.any() else math.nan,
    }
