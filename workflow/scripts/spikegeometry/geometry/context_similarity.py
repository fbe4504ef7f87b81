"""Which k-mers of a sequence have similar vectors after attention: how far apart they lie, in which domains, and which
k-mer is in most of the similar pairs.

Halevi et al., arXiv 2512.21956, take the matrix C = Z Z^T of the dot products of a head's outputs Z (m, dh). A few
long vectors can rule dot products, so the cosine stands beside them; and where attention is nearly even, all outputs
are nearly their mean, so both are also taken of what is left without it. The pairs with the highest similarity are the
head's similar pairs. No pair of a k-mer with itself counts, and pairs are compared with all pairs that could have been.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from spikegeometry.errors import InputError
from spikegeometry.geometry.cones import centre
from spikegeometry.geometry.heads import HeadTensors

STATISTICS = (
    *("similar_share", "high_share", "distance", "long_range"),
    *("same_domain", "same_domain_ratio", "same_domain_matched_ratio"),
    *("same_kmer", "same_kmer_null", "anchor_share", "anchor_share_null"),
)
# Statistics that are also taken for other shares of the pairs.
SENSITIVITY = ("high_share", "long_range", "same_domain_ratio", "same_domain_matched_ratio")
# Values that differ by less, as a share of the largest, are equal: float32 does not tell them apart.
TIE = 1e-6


@dataclass(frozen=True)
class Pairs:
    """The P pairs of k-mers of a sequence that can be similar, each once."""

    tokens: Tensor  # (m,) ids of the k-mers of the sequence
    first: Tensor  # (P,) 0-based number of the k-mer that stands first
    second: Tensor  # (P,) and of the other
    distance: Tensor  # (P,) float64, in k-mers
    same_domain: Tensor  # (P,) float64: probability that a base of one and a base of the other share a domain
    matched: Tensor  # (P,) float64: mean of `same_domain` over the pairs at the same distance
    same_kmer: Tensor  # (P,) float64: 1 where both are the same k-mer


def possible_pairs(tokens: Tensor, membership: Tensor, closest: int, unknown: int) -> Pairs:
    """Pairs of the k-mers with ids `tokens` (m,) that are `closest` or more apart.

    `membership` (m, D) is the share of each k-mer in each domain; the id `unknown` equals no other, not even itself.
    Raises InputError where there is no pair.
    """
    m = len(tokens)
    if m <= closest:
        raise InputError(f"A sequence of {m} k-mers has no two that are {closest} apart: look for longer sequences.")
    first, second = torch.triu_indices(m, m, closest)
    distance = second - first
    same_domain = (membership.double() @ membership.double().mT)[first, second]
    at_distance = torch.bincount(distance, same_domain) / torch.bincount(distance)
    same_kmer = (tokens[first] == tokens[second]) & (tokens[first] != unknown)
    return Pairs(tokens, first, second, distance.double(), same_domain, at_distance[distance], same_kmer.double())


def similarities(vectors: Tensor) -> dict[tuple[str, str], Tensor]:
    """Similarity matrices (..., m, m) of vectors (..., m, d), by measure (dot, cosine) and variant (as_is, centred).

    A vector of length zero has cosine 0 with all.
    """
    found = {}
    for variant, chosen in {"as_is": vectors, "centred": centre(vectors)}.items():
        units = torch.nn.functional.normalize(chosen, dim=-1, eps=torch.finfo(chosen.dtype).tiny)
        for measure, rows in {"dot": chosen, "cosine": units}.items():
            found[measure, variant] = rows @ rows.mT
    return found


def highest(values: Tensor, shares: list[float]) -> list[Tensor]:
    """For each of `shares`, which of the values (H, P) are in that highest share of their row, at least one: (H, P).

    What equals the last of these is in, too. A row whose values are all equal has none.
    """
    last = values.shape[-1] - 1
    places = [last - max(1, round(share * values.shape[-1])) + 1 for share in shares]
    ordered = torch.from_numpy(np.partition(values.numpy(), [0, *places, last], axis=-1))
    least, most = ordered[:, :1], ordered[:, -1:]
    tie = TIE * torch.maximum(most.abs(), least.abs())
    return [(values >= ordered[:, place].unsqueeze(-1) - tie) & (most - least > tie) for place in places]


def pair_statistics(high: Tensor, pairs: Pairs) -> dict[str, Tensor]:
    """Statistics (H,) of the chosen pairs `high` (H, P) of each head; NaN where a head has none.

    high_share: share of the pairs that are chosen; distance: mean distance, and long_range: over that of all pairs;
    same_domain: share in one domain, and its ratio to that of all pairs and, matched, of all pairs as far apart;
    same_kmer: share with the same k-mer, with that of all pairs; anchor: number (1-based) of the k-mer that is in most
    chosen pairs, the first of equals, with its id, the share of the pairs it is in, and about what the largest such
    share is in as many random pairs.
    """
    heads, kmers = len(high), len(pairs.tokens)
    rows, columns = high.nonzero(as_tuple=True)
    n = torch.bincount(rows, minlength=heads).double()
    n[n == 0] = torch.nan

    def mean(values: Tensor) -> Tensor:
        return torch.bincount(rows, values[columns], minlength=heads) / n

    members = sum(
        torch.bincount(rows * kmers + end[columns], minlength=heads * kmers) for end in (pairs.first, pairs.second)
    ).view(heads, kmers)
    most = members.amax(dim=-1)
    anchor = (members == most.unsqueeze(-1)).double().argmax(dim=-1)
    same_domain, chance, matched = mean(pairs.same_domain), pairs.same_domain.mean(), mean(pairs.matched)
    none = n.isnan()
    return {
        "high_share": (n / high.shape[-1]).nan_to_num(),
        "distance": mean(pairs.distance),
        "long_range": mean(pairs.distance) / pairs.distance.mean(),
        "same_domain": same_domain,
        "same_domain_ratio": torch.where(chance > 0, same_domain / chance, torch.nan),
        "same_domain_matched_ratio": torch.where(matched > 0, same_domain / matched, torch.nan),
        "same_kmer": mean(pairs.same_kmer),
        "same_kmer_null": torch.where(none, torch.nan, pairs.same_kmer.mean()),
        "anchor": torch.where(none, torch.nan, anchor + 1),
        "anchor_token": torch.where(none, torch.nan, pairs.tokens[anchor]),
        "anchor_share": most / n,
        "anchor_share_null": torch.tensor([_random_anchor_share(float(one), kmers) for one in n]),
    }


@cache
def _random_anchor_share(n: float, kmers: int) -> float:
    """About the largest share of n random pairs that one of the k-mers is in: the 1 - 1/kmers quantile of Poisson's."""
    return float(min(stats.poisson.ppf(1 - 1 / kmers, 2 * n / kmers) / n, 1))


def distance_shares(high: Tensor, pairs: Pairs) -> dict[str, Tensor]:
    """Share of the chosen pairs `high` (H, P), and of all pairs (`null`), by distance: `shortest` to `longest`, (B,).

    The share is the mean over heads that have chosen pairs, NaN where none has. Bins double in width from 1 on.
    """
    bins = pairs.distance.log2().floor().long()
    size = int(bins.max()) + 1
    rows, columns = high.nonzero(as_tuple=True)
    counts = torch.bincount(rows * size + bins[columns], minlength=len(high) * size).view(len(high), size).double()
    shares = (counts / counts.sum(dim=-1, keepdim=True)).nanmean(dim=0)
    shortest = 2 ** torch.arange(size)
    null = torch.bincount(bins) / len(bins)
    return {"shortest": shortest, "longest": 2 * shortest - 1, "share": shares, "null": null}


def special_attention(attention: Tensor) -> dict[str, Tensor]:
    """Mean attention (H,) of the queries of maps (H, n, n) to [CLS] and [SEP], and in units of uniform attention."""
    to_cls, to_sep = attention[..., 0].mean(dim=-1), attention[..., -1].mean(dim=-1)
    n = attention.shape[-1]
    return {"to_cls": to_cls, "to_sep": to_sep, "cls_relative": n * to_cls, "sep_relative": n * to_sep}


def example_maps(vectors: Tensor) -> dict[str, Tensor]:
    """The two matrices (m, m) that are drawn of a head: dot products of `vectors` (m, d), and mean-centred cosines."""
    found = similarities(vectors)
    return {"dot": found["dot", "as_is"], "cosine": found["cosine", "centred"]}


def layer_similarity(
    tensors: HeadTensors, heads: list[int], pairs: Pairs, shares: list[float], cosine: float
) -> Iterator[tuple[str, dict]]:
    """Measure the similar k-mers of a layer for its `heads` (1-based): records of three kinds, and which it is.

    pairs      STATISTICS, anchor and its id of each head and of the layer's `mha`, for each measure and variant of
               similarity and each of `shares` (`top`), the share of the pairs that are similar; `similar_share` is the
               share with a cosine from `cosine` on. All but SENSITIVITY is NaN for all shares but the first.
    distances  `distance_shares` of all heads, for the first share
    attention  `special_attention` of each head
    """
    rows = [head - 1 for head in heads]
    yield "attention", {"head": heads} | special_attention(tensors.attention[rows])
    matrices = [similarities(vectors[:, 1:-1]) for vectors in (tensors.z[rows], tensors.mha.unsqueeze(0))]
    cells = pairs.first * len(pairs.tokens) + pairs.second
    for measure, variant in matrices[0]:
        values = torch.cat([matrix[measure, variant].flatten(1).index_select(1, cells) for matrix in matrices])
        missing = torch.full((len(values),), torch.nan, dtype=torch.float64)
        above = (values >= cosine).double().mean(dim=-1) if measure == "cosine" else missing
        for share, high in zip(shares, highest(values, shares), strict=True):
            found = {"similar_share": above} | pair_statistics(high, pairs)
            kind = {"measure": measure, "variant": variant}
            if share == shares[0]:
                yield "distances", kind | distance_shares(high[:-1], pairs)
            else:
                found |= dict.fromkeys(found.keys() - set(SENSITIVITY), missing)
            sites = {"head": [*heads, None], "site": ["head"] * len(heads) + ["layer"]}
            yield "pairs", sites | kind | {"top": share} | found
