"""Attention into the domains of the protein, and what it would be if the heads knew nothing of their borders.

A k-mer may lie in several domains; `membership` (m, D) gives its share in each. A profile (..., m) is what each of the
m k-mers receives of an attention that sums to 1.
"""

from collections.abc import Hashable, Iterator
from typing import Any

import torch
from torch import Tensor

from spikegeometry.geometry.heads import kmer_maps, profiles

# Shares that differ by less are equal: they differ by the rounding of a Fourier transform.
TIE = 1e-9


def shifted_shares(profile: Tensor, membership: Tensor) -> Tensor:
    """Share (..., D, m) of profiles (..., m) in each domain after they are turned by 0 .. m-1 k-mers along the gene.

    What leaves at the end comes in at the start, so that a turn keeps all but the place. At 0 stands the share itself.
    """
    m = profile.shape[-1]
    spectrum = torch.fft.rfft(membership.T.double()) * torch.fft.rfft(profile.double()).conj().unsqueeze(-2)
    # Rounding can leave less than nothing.
    return torch.fft.irfft(spectrum, n=m).clamp(min=0)


def measure_heads(attention: Tensor, membership: Tensor, threshold: float) -> Iterator[tuple[str, Tensor, dict]]:
    """What maps (H, n, n) pay each domain, by variant: its name, the `shifted_shares`, and columns of H x D rows.

    The columns: share; background, that of the k-mers in the domain, which may overlap; kmers, their number; and of the
    variant `kmers`, the number of `arcs` and of those inside, and the attention that is in both.
    """
    heads, parts = attention.shape[0], membership.shape[1]
    found = arcs(attention, membership, threshold)
    names = ("arcs", "arcs_inside", "weight", "weight_inside")
    even = {"background": membership.mean(dim=0).repeat(heads), "kmers": len(membership)}
    counts = {
        "kmers": {
            name: one.flatten() if one.ndim == 2 else one.repeat_interleave(parts)
            for name, one in zip(names, found, strict=True)
        },
        "cls": dict.fromkeys(names, torch.nan),
    }
    for variant, profile in profiles(attention).items():
        shares = shifted_shares(profile, membership)
        yield variant, shares, {"share": shares[..., 0].flatten()} | even | counts[variant]


class TurnedShares:
    """Sums over sequences of `shifted_shares`, each under a key; sequences are turned by the same number of k-mers.

    Sums go as far as the shortest sequence can be turned. A head without a share in a sequence counts as 0 there. A
    sequence counts once under a key, in however many classes it is.
    """

    def __init__(self) -> None:
        self._sums: dict[Hashable, Tensor] = {}
        self._counted: set[tuple[Hashable, Hashable]] = set()

    def add(self, key: Hashable, shares: Tensor, sequence: Hashable) -> None:
        """Add the shares (H, D, m) of a sequence, which has a name or number of its own."""
        if (key, sequence) in self._counted:
            return
        self._counted.add((key, sequence))
        total = self._sums.get(key, torch.zeros_like(shares))
        m = min(total.shape[-1], shares.shape[-1])
        self._sums[key] = total[..., :m] + shares[..., :m].nan_to_num()

    def p_values(self) -> Iterator[tuple[Any, Tensor]]:
        """Each key and, (H, D), how many of the turns, none included, have at least as large a sum as none has."""
        for key, total in self._sums.items():
            yield key, (total >= total[..., :1] * (1 - TIE) - TIE).double().mean(dim=-1)


def arcs(attention: Tensor, membership: Tensor, threshold: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Pairs of k-mers with attention from `threshold` on: number (H,), number with the key in each domain (H, D), and
    the attention of both, (H,) and (H, D).

    Each row of the maps (H, n, n) is first scaled to pay the k-mers 1 in all; a key in several domains counts in part.
    """
    among, _ = kmer_maps(attention)
    high = among >= threshold
    number, weight = high.sum(dim=-2).double(), (among * high).double().sum(dim=-2)
    inside = membership.double()
    return number.sum(dim=-1), number @ inside, weight.sum(dim=-1), weight @ inside
