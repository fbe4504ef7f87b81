"""The bilinear form by which a head chooses what it attends to: how symmetric it is, how directed, and of what rank.

But for terms that the softmax takes away, the logit of query token x and key token y is x^T M y / sqrt(dh), plus a term
of the query bias that does not depend on x. M = queries^T keys, where `queries` and `keys` (r, d) are the head's rows
of the query and key weights, so that r = dh; with all rows, M is the sum over the heads of the layer. M (d, d) is never
formed: all that is asked of it follows from products of r x d matrices, in float64.

With S and N the symmetric and skew-symmetric parts of M, the symmetry score ||S||^2/||M||^2 - ||N||^2/||M||^2 and the
directionality score are those of Saponati et al., arXiv 2502.10927, with the sign of their tables.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

# Standard deviations above the mean from which the norm of a row or column counts as large.
LARGE = 2
# Scores that do not change when M is scaled, so that random forms of any variance have the same.
SCALE_FREE = (
    "ratio",
    "symmetry",
    "directionality",
    "pi_plus",
    "top_share",
    "stable_rank",
    "effective_rank",
    "vn_energy",
    "vn_nuclear",
    "vn_original",
)
STATISTICS = (*SCALE_FREE, "trace", "frobenius", "spectral_norm", "spectral_radius")
# Stands in the column `model` for random forms.
RANDOM = "gaussian"


@dataclass(frozen=True)
class BilinearForm:
    """Forms M = queries^T keys in a batch of any shape; the factors are float64 (..., r, d)."""

    queries: Tensor
    keys: Tensor


@dataclass(frozen=True)
class Spectra:
    """Spectra of forms; k = min(d, 2r) is the most that S and N can have in rank."""

    singular: Tensor  # (..., min(d, r)) of M, largest first
    eigen: Tensor  # (..., r) of M, complex, largest modulus first; the other d - r are zero
    symmetric: Tensor  # (..., k) eigenvalues of S, largest first; exactly zero where rounding alone is left
    skew: Tensor  # (..., k) singular values of N, in pairs, largest first


def layer_form(layer: dict[str, Tensor]) -> BilinearForm:
    """The form of a layer, the sum of those of its heads."""
    return BilinearForm(layer["query.weight"].double(), layer["key.weight"].double())


def head_forms(layer: dict[str, Tensor], total: int, heads: list[int]) -> BilinearForm:
    """The forms of the 1-based `heads` of the layer's `total`, a batch of shape (len(heads),)."""
    whole, chosen = layer_form(layer), [head - 1 for head in heads]
    queries, keys = (factor.unflatten(0, (total, -1))[chosen] for factor in (whole.queries, whole.keys))
    return BilinearForm(queries, keys)


def frobenius(form: BilinearForm) -> Tensor:
    """||M|| of each form."""
    return _trace_of_product(form.queries @ form.queries.mT, form.keys @ form.keys.mT).clamp(min=0).sqrt()


def relative_change(form: BilinearForm, reference: BilinearForm) -> Tensor:
    """||M - M0|| / ||M0||; NaN where the reference M0 is zero."""
    # M - M0 = dQ^T K + Q0^T dK is again a form, and no digits are lost where the change is small.
    change = BilinearForm(
        torch.cat([form.queries - reference.queries, reference.queries], dim=-2),
        torch.cat([form.keys, form.keys - reference.keys], dim=-2),
    )
    return _ratio(frobenius(change), frobenius(reference))


def spectra(form: BilinearForm) -> Spectra:
    """Spectra of each form, from M written in an orthonormal basis of the rows of its factors: k x k."""
    rank, width = form.queries.shape[-2:]
    basis = torch.linalg.qr(torch.cat([form.queries.mT, form.keys.mT], dim=-1), mode="r").R
    core = basis[..., :rank] @ basis[..., rank:].mT
    symmetric = torch.linalg.eigvalsh((core + core.mT) / 2).flip(-1)
    eigen = torch.linalg.eigvals(form.keys @ form.queries.mT)
    return Spectra(
        singular=torch.linalg.svdvals(core)[..., : min(rank, width)],
        eigen=eigen.gather(-1, eigen.abs().argsort(dim=-1, descending=True, stable=True)),
        symmetric=torch.where(symmetric.abs() > _rounding(form).unsqueeze(-1), symmetric, 0),
        skew=torch.linalg.svdvals((core - core.mT) / 2),
    )


def scores(form: BilinearForm, of: Spectra, top: int) -> dict[str, Tensor]:
    """STATISTICS of each form, of which `of` are the spectra; NaN where the form is zero.

    ratio            ||S||^2 / ||M||^2 in [0, 1]: 1 symmetric, 0 skew
    symmetry         2 ratio - 1
    directionality   in [-1, 1]: -1 where a few large columns (keys' side) rule M, 1 where a few rows do
    pi_plus          share of the positive eigenvalues of S in the sum of its squared eigenvalues; NaN where S is zero.
                     Their number says nothing: unless the factors are degenerate, S has r positive and r negative ones
    top_share        share of the `top` eigenvalues of S of largest modulus in that sum; NaN where S is zero
    stable_rank      ||M||^2 / sigma_1^2
    vn_energy        entropy of sigma^2 / sum sigma^2: the von Neumann entropy of M M^T / tr(M M^T), at most ln r
    vn_nuclear       entropy of sigma / sum sigma; effective_rank is its exponential (Roy and Vetterli, 2007)
    vn_original      what Bonino et al. (arXiv 2502.12033) call von Neumann entropy: -sum p ln p over the moduli of
                     M's eigenvalues with sum p^2 = 1. It is no entropy, and can exceed ln r
    """
    energy = of.singular.square()
    symmetric = of.symmetric.square()
    moduli = of.eigen.abs()
    cross = form.queries @ form.keys.mT
    symmetry = _ratio(_trace_of_product(cross, cross), frobenius(form).square())
    vn_nuclear = _entropy(_shares(of.singular))
    return {
        "ratio": (1 + symmetry) / 2,
        "symmetry": symmetry,
        "directionality": directionality(form),
        "pi_plus": _ratio((symmetric * (of.symmetric > 0)).sum(dim=-1), symmetric.sum(dim=-1)),
        "top_share": _shares(symmetric.sort(dim=-1, descending=True).values)[..., :top].sum(dim=-1),
        "stable_rank": _ratio(energy.sum(dim=-1), energy[..., 0]),
        "effective_rank": vn_nuclear.exp(),
        "vn_energy": _entropy(_shares(energy)),
        "vn_nuclear": vn_nuclear,
        "vn_original": _entropy(_ratio(moduli, torch.linalg.vector_norm(moduli, dim=-1, keepdim=True))),
        "trace": cross.diagonal(dim1=-2, dim2=-1).sum(dim=-1),
        "frobenius": frobenius(form),
        "spectral_norm": of.singular[..., 0],
        "spectral_radius": moduli[..., 0],
    }


def random_scores(rank: int, width: int, draws: int, top: int, seed: int) -> dict[str, Tensor]:
    """SCALE_FREE, each (draws,), of forms whose factors (rank, width) are independent and Gaussian, as in an untrained
    model.
    """
    generator = torch.Generator().manual_seed(seed)
    drawn = []
    for _ in range(draws):
        form = BilinearForm(*torch.randn(2, rank, width, generator=generator, dtype=torch.float64))
        drawn.append(scores(form, spectra(form), top))
    return {name: torch.stack([of[name] for of in drawn]) for name in SCALE_FREE}


def directionality(form: BilinearForm) -> Tensor:
    """(R - K) / (R + K), where R and K sum what row and column norms of M have beyond mean + LARGE sd; 0 if none has.

    Noisy for small d, where few norms lie out there: hold it against that of random forms.
    """
    rows = _excess(_column_norms(form.queries, form.keys @ form.keys.mT))
    columns = _excess(_column_norms(form.keys, form.queries @ form.queries.mT))
    score = torch.where(rows + columns > 0, (rows - columns) / (rows + columns), 0)
    return torch.where(frobenius(form) > 0, score, torch.nan)


def _column_norms(factor: Tensor, gram: Tensor) -> Tensor:
    """Norms (..., d) of the columns of G^(1/2) factor: those of M's rows, or of its columns, from its factors."""
    return (factor * (gram @ factor)).sum(dim=-2).clamp(min=0).sqrt()


def _excess(norms: Tensor) -> Tensor:
    # The margin keeps rounding errors of equal norms from counting.
    threshold = norms.mean(dim=-1, keepdim=True) + LARGE * norms.std(dim=-1, keepdim=True)
    beyond = norms - threshold
    return torch.where(beyond > 1e-9 * threshold, beyond, 0).sum(dim=-1)


def _rounding(form: BilinearForm) -> Tensor:
    """What float64 can leave of an eigenvalue that is zero."""
    lengths = (torch.linalg.matrix_norm(factor) for factor in (form.queries, form.keys))
    return 2 * form.queries.shape[-1] * torch.finfo(torch.float64).eps * torch.stack(list(lengths)).prod(dim=0)


def _trace_of_product(one: Tensor, other: Tensor) -> Tensor:
    return (one * other.mT).sum(dim=(-2, -1))


def _shares(values: Tensor) -> Tensor:
    return _ratio(values, values.sum(dim=-1, keepdim=True))


def _entropy(shares: Tensor) -> Tensor:
    return torch.special.entr(shares).sum(dim=-1)


def _ratio(value: Tensor, whole: Tensor) -> Tensor:
    return torch.where(whole > 0, value / whole, torch.nan)
