"""Singular values of many matrices at once."""

import torch
from torch import Tensor


def singular_values(matrices: Tensor) -> Tensor:
    """Singular values (..., min(m, n)) of matrices (..., m, n), largest first, in float64.

    They are the roots of the eigenvalues of the smaller of M M^T and M^T M, which takes less time than a decomposition
    of M, much less for a narrow one. What is below about sqrt(n) 1e-8 of the largest is rounding; for a matrix that was
    computed in float32, so is all below n 1e-7 of it, hence nothing is lost.
    """
    doubled = matrices.double()
    gram = doubled @ doubled.mT if doubled.shape[-2] <= doubled.shape[-1] else doubled.mT @ doubled
    return torch.linalg.eigvalsh(gram).clamp(min=0).sqrt().flip(-1)
