"""Attention maps of a class: their mean among the k-mers, and the pairs of tokens they join.

Attention is not importance: a token that is attended to may bring a value that is near zero.
"""

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from spikegeometry.geometry.heads import kmer_maps

# Threshold that follows the length: a multiple of uniform attention.
SCALE_FREE = "scale_free"


def high_pairs(attention: Tensor, thresholds: Sequence[float], kappa: float) -> dict[str, Tensor]:
    """Which cells of maps (H, n, n) are at least each threshold, and at least SCALE_FREE: `kappa` / n.

    [CLS] and [SEP] count like other tokens. Keys are the thresholds as text.
    """
    limits = {f"{threshold:g}": threshold for threshold in thresholds} | {SCALE_FREE: kappa / attention.shape[-1]}
    return {name: attention >= limit for name, limit in limits.items()}


class MapSums:
    """Sums over the sequences of a class, cell by cell, of the maps of the H heads of a layer.

    Sequences may differ in length. The longest has `tokens` tokens.
    """

    def __init__(self, heads: int, tokens: int, thresholds: Sequence[float], kappa: float):
        self._limits = thresholds, kappa
        kmers = tokens - 2
        self._kmer_sums = torch.zeros(heads, kmers, kmers, dtype=torch.float64)
        self._kmer_rows = torch.zeros(heads, kmers, kmers, dtype=torch.int32)
        self._mass = torch.zeros(heads, kmers, dtype=torch.float64)
        self._from_cls = torch.zeros(heads, kmers, dtype=torch.float64)
        self._high = {
            name: torch.zeros(heads, tokens, tokens, dtype=torch.int32)
            for name in (*(f"{threshold:g}" for threshold in thresholds), SCALE_FREE)
        }
        self._lengths: list[int] = []

    def add(self, attention: Tensor) -> dict[str, Tensor]:
        """Add the maps (H, n, n) of a sequence.

        Returns `high_<threshold>`, each (H,): the number of high pairs for each query, averaged over the queries.
        """
        n = attention.shape[-1]
        self._lengths.append(n)
        among, mass = kmer_maps(attention)
        self._kmer_sums[:, : n - 2, : n - 2] += among
        self._kmer_rows[:, : n - 2, : n - 2] += (among.sum(dim=-1, keepdim=True) > 0).int()
        self._mass[:, : n - 2] += mass
        self._from_cls[:, : n - 2] += attention[:, 0, 1:-1]
        high = high_pairs(attention, *self._limits)
        for name, cells in high.items():
            self._high[name][:, :n, :n] += cells
        return {f"high_{name}": cells.sum(dim=(-2, -1)) / n for name, cells in high.items()}

    @cached_property
    def kmer_means(self) -> Tensor:
        """Mean map (H, m, m) among the k-mers: of ratios, so that each row of each sequence is weighted equally.

        A row is over the sequences that have its query, and sums to 1: a key that one of them lacks gets nothing there.
        Rows without attention for k-mers are left out; NaN where no sequence has the row. Read it last.
        """
        # Every sequence that has a row has its first cell.
        return (self._kmer_sums / self._kmer_rows[..., :1]).float()

    @property
    def token_means(self) -> dict[str, Tensor]:
        """What single k-mers pay and get, each (H, m) and NaN where no sequence has the token.

        kmer_mass  attention that it pays to k-mers, of all that it pays
        received   attention that it gets from a k-mer, of what that pays to k-mers, in the sequences that have both;
                   mean over the k-mers
        from_cls   attention that it gets from [CLS]
        """
        have = self._present(self._mass.shape[-1], offset=2)
        return {
            "kmer_mass": self._mass / have,
            "received": (self._kmer_sums / self._kmer_rows).float().nanmean(dim=-2),
            "from_cls": self._from_cls / have,
        }

    @cached_property
    def frequencies(self) -> dict[str, Tensor]:
        """Share of the sequences in which each cell (H, n, n) is high, by threshold; NaN where none has the cell.

        Read it last.
        """
        tokens = next(iter(self._high.values())).shape[-1]
        present = self._present(tokens, offset=0)
        have = torch.minimum(present.unsqueeze(1), present)
        return {name: counts / have for name, counts in self._high.items()}

    def _present(self, tokens: int, offset: int) -> Tensor:
        """How many of the sequences are so long that they have each of `tokens` tokens."""
        return (torch.tensor(self._lengths).unsqueeze(1) - offset > torch.arange(tokens)).sum(dim=0)


def frequent_pairs(frequencies: dict[str, Tensor], least: float) -> tuple[Tensor, ...]:
    """Indices (head, query, key) of the cells high by any threshold in a share `least` of sequences or more."""
    often = torch.stack([frequency >= least for frequency in frequencies.values()]).any(dim=0)
    return often.nonzero(as_tuple=True)


def class_distances(means: Tensor) -> Tensor:
    """Distance (C, L, H) of each class mean (C, L, H, m, m) from the mean of the classes.

    It is the share of a query's attention that would have to move to other keys (total variation), averaged over
    queries: 0 for equal maps, 1 for maps that share no key.
    """
    # A layer at a time, because the maps of all are large.
    layers = ((layer - layer.nanmean(dim=0)).abs().nansum(dim=-1) / 2 for layer in means.unbind(dim=1))
    return torch.stack([moved.mean(dim=-1) for moved in layers], dim=1)
