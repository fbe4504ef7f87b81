"""Patterns of attention: how much of each a map shows, and to which tokens its attention goes.

The scores are this project's own; each is in [0, 1]: 1 for the pure pattern and, except for `diffuse`, 0 for uniform
attention.

A map (n, n) has queries as rows i and keys as columns j; D = j - i. Far is |D| > NEIGHBOUR. The scores of a map with
mean row c:

    diffuse   (exp(row entropy) - 1) / (n - 1), mean over rows
    vertical  excess of the mass in the largest 1% of c
    self      excess of the mass at D = 0                   (excess: over the chance of uniform attention,
    diag      excess of the mass at |D| <= NEIGHBOUR         scaled so that all the mass gives 1)
    bwd, fwd  excess of the mass at D < 0, D > 0 within 5% of n
    cluster   far mass x how much more of it stays inside contiguous blocks of tokens than if each row were c, and than
              if the cuts lay elsewhere (1: as much more as of even blocks), for where attention only fades with
              distance, cuts elsewhere do as well; the less of both
    instance  far mass that single rows pay beyond c: a look-up of its own for each query
"""

import math

import numpy as np
import torch
from torch import Tensor

SCORES = ("diffuse", "vertical", "self", "diag", "bwd", "fwd", "cluster", "instance")
SIMPLEX = ("colconc", "mi", "hrow")
SHARES = ("to_cls", "to_sep", "to_self", "to_prev", "to_next", "to_kmer", "chance")
# What a head is called whose scores name no pattern, and one whose scores are NaN: no query has attention for a k-mer.
HETEROGENEOUS = "heterogeneous"
UNDEFINED = "undefined"

NEIGHBOUR = 1
CONTEXT_SHARE, MIN_CONTEXT = 0.05, 2
TOP_SHARE, MIN_TOP = 0.01, 1
BLOCK_SHARE, MIN_BLOCK = 0.02, 3
MIN_FAR_MASS = 1e-9
# Rounding errors decide no tie: scores are compared at so many decimals, and cuts that differ by less are equal.
DECIMALS = 6
TIE = 10**-DECIMALS


def gate_scores(attention: Tensor, blocks: Tensor | None = None) -> dict[str, Tensor]:
    """SCORES and SIMPLEX, each (H,), of maps (H, n, n) whose rows sum to 1, or to 0 where there is no row.

    `blocks` gives each token's block number, (n,) or (H, n), for `cluster`; without it, `find_blocks` finds them. The
    three of SIMPLEX sum to 1; they are, in units of ln n, what the mean row lacks in entropy, the mutual information of
    query and key, and the mean entropy of the rows. NaN where a map has no row, or n = 1.
    """
    n = attention.shape[-1]
    if n == 1:
        return {name: torch.full(attention.shape[:1], torch.nan) for name in SCORES + SIMPLEX}
    position = torch.arange(n)
    distance = position - position.unsqueeze(1)
    far = distance.abs() > NEIGHBOUR
    context = _size(CONTEXT_SHARE, n, MIN_CONTEXT)

    rows = (attention.sum(dim=-1) > 0).to(attention.dtype)
    share = rows / rows.sum(dim=-1, keepdim=True)
    mean_row = (share.unsqueeze(1) @ attention).squeeze(1)
    excess = (attention - mean_row.unsqueeze(1)) * far * rows.unsqueeze(-1)
    if blocks is None:
        blocks = find_blocks(excess, _size(BLOCK_SHARE, n, MIN_BLOCK))

    entropy = torch.special.entr(attention).sum(dim=-1)
    hrow = (share * entropy).sum(dim=-1) / math.log(n)
    colconc = 1 - torch.special.entr(mean_row).sum(dim=-1) / math.log(n)
    return {
        "diffuse": (share * torch.expm1(entropy)).sum(dim=-1) / (n - 1),
        "vertical": _vertical(mean_row),
        "self": _mass_above_chance(attention, rows, distance == 0),
        "diag": _mass_above_chance(attention, rows, ~far),
        "bwd": _mass_above_chance(attention, rows, (distance < 0) & (distance >= -context)),
        "fwd": _mass_above_chance(attention, rows, (distance > 0) & (distance <= context)),
        "cluster": _cluster(attention, mean_row, share, far, blocks),
        "instance": (share * (attention * excess.clamp(min=0)).sum(dim=-1)).sum(dim=-1) / (1 - 1 / n),
        "colconc": colconc,
        "mi": 1 - colconc - hrow,
        "hrow": hrow,
    }


def find_blocks(excess: Tensor, shortest: int) -> Tensor:
    """The cut of n tokens into contiguous blocks that holds most of `excess` (H, n, n): block numbers (H, n) from 0.

    Exact, by dynamic programming over the ends of blocks, in O(n^2) for a head and for all heads in step. No block is
    shorter than `shortest` tokens, unless n is. Of equal cuts it takes the one with the longest last block, then the
    longest block before it, and so on.
    """
    heads, n = excess.shape[:2]
    shortest = min(shortest, n)
    before = (excess + excess.mT).cumsum(dim=-1, dtype=torch.float64).numpy()
    # With P(a, b) the sum of the first a rows and b columns of the excess, the block of tokens a .. b-1 holds
    # P(b, b) + P(a, a) - cross(a), where cross(a) = P(a, b) + P(b, a). `best` is the most that blocks up to a can hold,
    # plus P(a, a).
    cross = np.zeros((heads, n + 1))
    best = np.full((heads, n + 1), -np.inf)
    best[:, 0] = 0
    start = np.zeros((heads, n + 1), dtype=np.int64)
    head = np.arange(heads)
    for end in range(1, n + 1):
        cross[:, 1:] += before[:, end - 1]
        if end >= shortest:
            held = best[:, : end - shortest + 1] - cross[:, : end - shortest + 1]
            start[:, end] = (held > held.max(axis=1, keepdims=True) - TIE).argmax(axis=1)
            best[:, end] = held[head, start[:, end]] + cross[:, end]

    first = np.zeros((heads, n), dtype=np.int64)
    ends = np.full(heads, n)
    while ends.any():
        ends = start[head, ends]
        first[head, ends] = 1
    return torch.from_numpy(first.cumsum(axis=1) - 1)


def special_shares(attention: Tensor) -> dict[str, Tensor]:
    """SHARES, each (H,), of maps (H, n, n): mean over the queries of the attention that each pays.

    To [CLS], the first token; to [SEP], the last; to itself; to the token before and after, over the queries that have
    one; and to all k-mers. `chance` is 1 / n, which uniform attention pays to one token.
    """
    n = attention.shape[-1]
    received = attention.mean(dim=-2)
    return {
        "to_cls": received[:, 0],
        "to_sep": received[:, -1],
        "to_self": attention.diagonal(dim1=-2, dim2=-1).mean(dim=-1),
        "to_prev": attention.diagonal(-1, dim1=-2, dim2=-1).mean(dim=-1),
        "to_next": attention.diagonal(1, dim1=-2, dim2=-1).mean(dim=-1),
        "to_kmer": received[:, 1:-1].sum(dim=-1),
        "chance": torch.full((len(attention),), 1 / n),
    }


def _size(share: float, n: int, least: int) -> int:
    return max(least, round(share * n))


def _vertical(mean_row: Tensor) -> Tensor:
    n = mean_row.shape[-1]
    top = _size(TOP_SHARE, n, MIN_TOP)
    chance = top / n
    return ((mean_row.topk(top).values.sum(dim=-1) - chance) / (1 - chance)).clamp(min=0)


def _mass_above_chance(attention: Tensor, rows: Tensor, mask: Tensor) -> Tensor:
    """Mean over rows of (mass in the mask - chance) / (1 - chance), in [0, 1]; chance is the masked share of keys.

    Rows whose keys are all masked, or none, cannot show anything and are left out.
    """
    chance = mask.to(attention.dtype).mean(dim=-1)
    telling = (chance > 0) & (chance < 1)
    mass, rows, chance = (attention * mask).sum(dim=-1)[:, telling], rows[:, telling], chance[telling]
    return ((rows * (mass - chance) / (1 - chance)).sum(dim=-1) / rows.sum(dim=-1)).clamp(0, 1)


def shifted_inside(mass: Tensor, blocks: Tensor) -> Tensor:
    """What is inside blocks of mass (H, n, n) when all cuts move by 1 .. n-1 tokens, the mean over moves: (H,).

    `blocks` (H, n) are numbers of contiguous blocks. The start is a cut that moves too; what moves out at the end comes
    in at the start.
    """
    heads, n = mass.shape[:2]
    # The mass of the tokens before a and before b, from which that of any block follows.
    before = np.zeros((heads, n + 1, n + 1))
    before[:, 1:, 1:] = mass.cumsum(dim=1, dtype=torch.float64).cumsum(dim=2).numpy()
    means = []
    for sums, numbers in zip(before, blocks.numpy(), strict=True):
        cuts = np.flatnonzero(np.diff(numbers, prepend=-1))
        moved = np.sort((cuts + np.arange(1, n)[:, None]) % n, axis=1)
        borders = np.pad(np.pad(moved, ((0, 0), (1, 0))), ((0, 0), (0, 1)), constant_values=n)
        first, last = borders[:, :-1], borders[:, 1:]
        inside = sums[last, last] + sums[first, first] - sums[first, last] - sums[last, first]
        means.append(inside.sum(axis=1).mean())
    return mass.new_tensor(means)


def _cluster(attention: Tensor, mean_row: Tensor, share: Tensor, far: Tensor, blocks: Tensor) -> Tensor:
    blocks = blocks.expand(attention.shape[:2])
    inside = far & (blocks.unsqueeze(-1) == blocks.unsqueeze(-2))

    def mean_mass(mask: Tensor, rows: Tensor) -> Tensor:
        return (share * (rows * mask).sum(dim=-1)).sum(dim=-1)

    def shifted(rows: Tensor) -> Tensor:
        return shifted_inside(share.unsqueeze(-1) * rows * far, blocks) / mean_mass(far, rows)

    every_row_mean = mean_row.unsqueeze(1)
    far_mass = mean_mass(far, attention)
    observed = mean_mass(inside, attention) / far_mass
    of_means = mean_mass(inside, every_row_mean) / mean_mass(far, every_row_mean)
    pure = inside.to(attention.dtype) / inside.sum(dim=-1, keepdim=True).clamp(min=1)
    above_means = (observed - of_means) / (1 - of_means)
    above_shifts = (observed - shifted(attention)) / (1 - shifted(pure))
    # With one block all far mass is inside anyway.
    kept = torch.where(of_means < 1 - 1e-6, torch.minimum(above_means, above_shifts), 0).clamp(0, 1)
    return torch.where(far_mass < MIN_FAR_MASS, 0, far_mass * kept)
