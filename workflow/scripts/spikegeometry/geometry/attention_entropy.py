"""How widely attention is spread: entropies of the maps, and how many keys hold most of a query's attention.

A map (n, n) has queries as rows and keys as columns. A row that sums to 0 is no row (see `heads.kmer_maps`) and
measures NaN. Entropies are in nats.

Bonino, Ghione and Cirrincione (arXiv 2502.12033) take two entropies of the mean map of a class, kept here as
`histogram_entropy` and `paper_von_neumann_entropy` to compare with. The first is that of the values' histogram and not
of attention: uniform attention has 0, its least. The second is no entropy: its weights do not sum to 1, and for the
identity of size n it is sqrt(n) ln(n) / 2, over the ln n that an entropy of n outcomes cannot exceed from n = 5 on.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from spikegeometry.geometry.heads import kmer_maps

STATISTICS = (
    *("H_mean", "H_sd", "H_cls", "H_norm"),
    *("k_mean", "k_p05", "k_median", "k_p95", "k_share"),
    *("vn", "vn_norm"),
)

# Rounding errors of float32 maps: a mass that falls short of the asked one by less reaches it.
TOLERANCE = 1e-6
# Regimes by the largest share of the keys that a head's median query needs. Ramsauer et al. (arXiv 2008.02217) group
# heads so; for 512 keys these are 32, 128 and 256.
REGIMES = {"small": 1 / 16, "medium": 1 / 4, "large": 1 / 2, "global": 1}
UNDEFINED = "undefined"
# Upper borders of bins of shares of keys; those of the regimes are among them.
SHARES = np.arange(1, 65) / 64


def row_entropy(attention: Tensor) -> Tensor:
    """Shannon entropy (..., n) of the rows of maps (..., n, n): 0 for one key, ln n for all n alike."""
    entropy = torch.special.entr(attention).sum(dim=-1)
    return torch.where(attention.sum(dim=-1) > 0, entropy, torch.nan)


def metastable_sizes(attention: Tensor, mass: float) -> Tensor:
    """Fewest keys (..., n) that together hold `mass` of a row's attention, for maps (..., n, n).

    NaN where the whole row holds less. After the metastable states of Ramsauer et al. (arXiv 2008.02217).
    """
    # numpy sorts float32 several times faster than torch does.
    reached = np.sort(attention.numpy(), axis=-1)[..., ::-1].cumsum(axis=-1, dtype=np.float64)
    reached = torch.from_numpy(reached) >= mass - TOLERANCE
    return torch.where(reached[..., -1], 1 + (~reached).sum(dim=-1), torch.nan)


def von_neumann_entropy(attention: Tensor) -> Tensor:
    """Von Neumann entropy (...,) of the density matrix A A^T / tr(A A^T) of maps A (..., n, n), between 0 and ln n.

    0 for equal rows; ln b for b equal flat blocks. In float32 it is right to 1e-4.
    """
    eigenvalues = torch.linalg.eigvalsh(attention @ attention.mT).clamp(min=0)
    return torch.special.entr(eigenvalues / eigenvalues.sum(dim=-1, keepdim=True)).sum(dim=-1)


def histogram_entropy(attention: Tensor, bins: int) -> Tensor:
    """The paper's Shannon entropy (H,) of maps (H, n, n): of the histogram of their values, in bins of equal width."""
    counts = torch.stack([torch.histc(values, bins, values.min(), values.max()) for values in attention.flatten(1)])
    return torch.special.entr(counts / counts.sum(dim=-1, keepdim=True)).sum(dim=-1)


def paper_von_neumann_entropy(attention: Tensor) -> Tensor:
    """The paper's Von Neumann entropy (...,) of maps (..., n, n): the sum of -p ln p, where p are the moduli of the
    eigenvalues of the map itself, scaled to square sum 1."""
    moduli = torch.linalg.eigvals(attention).abs()
    return torch.special.entr(moduli / torch.linalg.vector_norm(moduli, dim=-1, keepdim=True)).sum(dim=-1)


@dataclass(frozen=True)
class Spread:
    """How widely each of H maps over n keys is spread: by query, for m queries that have a row, and in all."""

    n: int
    entropy: Tensor  # (H, m) row entropies
    sizes: Tensor  # (H, m) metastable sizes
    statistics: dict[str, Tensor]  # STATISTICS, each (H,) and float64

    @property
    def entropy_by_token(self) -> Tensor:
        """Row entropy in units of ln n, mean over heads: (m,)."""
        return normalised(self.entropy, self.n).mean(dim=0)

    @property
    def regimes(self) -> list[str]:
        """Regime of each head."""
        return regimes(self.statistics["k_share"])

    @property
    def share_histogram(self) -> Tensor:
        """Share of each head's queries in each bin of SHARES: (H, bins)."""
        return share_histogram(self.sizes, self.n)


def spread_variants(attention: Tensor, mass: float) -> dict[str, Spread]:
    """Spread of maps (H, n, n), whose first and last token are [CLS] and [SEP], as they are and among the k-mers.

    `H_norm` is the mean row entropy in units of ln n, `H_cls` the entropy of the row of [CLS], `k_share` the median
    metastable size as a share of the n keys, `vn` the Von Neumann entropy and `vn_norm` the same in units of ln n. For
    `kmers`, n counts k-mers, and there is no `H_cls` and, for its cost, no `vn`.
    """
    raw, kmers = _spread(attention, mass), _spread(kmer_maps(attention)[0], mass)
    density = von_neumann_entropy(attention).double()
    raw.statistics.update(
        H_cls=raw.entropy[:, 0].double(), vn=density, vn_norm=normalised(density, attention.shape[-1])
    )
    return {"raw": raw, "kmers": kmers}


def paper_statistics(mean_attention: Tensor, bins: int) -> dict[str, Tensor]:
    """The paper's entropies (H,) of the mean maps (H, n, n) of a class, and beside them ours of the same maps."""
    return {
        "hist_original": histogram_entropy(mean_attention, bins),
        "H_mean": row_entropy(mean_attention).nanmean(dim=-1),
        "vn_original": paper_von_neumann_entropy(mean_attention),
        "vn": von_neumann_entropy(mean_attention),
    }


def normalised(entropy: Tensor, n: int) -> Tensor:
    """Entropy in units of its greatest value for n keys, ln n; NaN for n = 1."""
    return entropy / math.log(n) if n > 1 else torch.full_like(entropy, torch.nan)


def regimes(shares: Tensor) -> list[str]:
    """Regime of each head from the share of keys (H,) that its median query needs; UNDEFINED where that is NaN."""
    return [next((name for name, most in REGIMES.items() if share <= most), UNDEFINED) for share in shares.tolist()]


def share_histogram(sizes: Tensor, n: int) -> Tensor:
    """Share of the sizes (H, m) that fall in each bin of SHARES as shares of n keys: (H, bins).

    A bin holds its upper border. NaN sizes are left out.
    """
    bins = torch.ceil(sizes * len(SHARES) / n).nan_to_num(0).long()
    counts = torch.zeros(*sizes.shape[:-1], len(SHARES) + 1, dtype=torch.float64)
    counts = counts.scatter_add(-1, bins, torch.ones_like(bins, dtype=counts.dtype))[..., 1:]
    return counts / counts.sum(dim=-1, keepdim=True)


def _spread(attention: Tensor, mass: float) -> Spread:
    n = attention.shape[-1]
    entropy, sizes = row_entropy(attention).double(), metastable_sizes(attention, mass).double()
    low, median, high = torch.nanquantile(sizes, torch.tensor([0.05, 0.5, 0.95], dtype=sizes.dtype), dim=-1)
    mean = entropy.nanmean(dim=-1)
    statistics = {
        "H_mean": mean,
        "H_sd": (entropy - mean.unsqueeze(-1)).square().nanmean(dim=-1).sqrt(),
        "H_norm": normalised(mean, n),
        "k_mean": sizes.nanmean(dim=-1),
        "k_p05": low,
        "k_median": median,
        "k_p95": high,
        "k_share": median / n,
    }
    missing = dict.fromkeys(STATISTICS, torch.full_like(mean, torch.nan))
    return Spread(n, entropy, sizes, missing | statistics)
