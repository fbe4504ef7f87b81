"""Distances in the space of [CLS], by which genomes of none of the classes may be told.

The Mahalanobis distance to the nearest class mean, with one covariance for all classes (Lee et al., arXiv 1807.03888,
section 2.1), and the distance to the k-th nearest training sequence, of vectors of norm 1 (Sun et al., arXiv
2204.06507, section 3).
"""

from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import normalize

from spikegeometry.tables import atomic_path

# Added to the variances, in parts of their mean: fewer sequences than dimensions leave some without any.
RIDGE = 1e-3


@dataclass(frozen=True)
class ClassSpace:
    """What distances are measured from, of K classes and m training sequences in d dimensions.

    means (K, d): class means, times `whitening`; whitening (d, d): gives vectors of a class variance 1 in every
    direction; bank (m, d): training vectors of norm 1; neighbour (): the k of the k-th nearest.
    """

    means: Tensor
    whitening: Tensor
    bank: Tensor
    neighbour: Tensor

    def distances(self, vectors: Tensor) -> Tensor:
        """Distances (n, 2) of [CLS] vectors (n, d): Mahalanobis' to the nearest class, and to the k-th neighbour."""
        of_classes = torch.cdist(vectors @ self.whitening, self.means).min(dim=1).values
        to_bank = torch.cdist(normalize(vectors), self.bank).kthvalue(int(self.neighbour), dim=1).values
        return torch.stack([of_classes, to_bank], dim=1)

    def to(self, device: torch.device) -> "ClassSpace":
        """The same on a device."""
        return ClassSpace(**{field.name: getattr(self, field.name).to(device) for field in fields(self)})


def fit_class_space(vectors: Tensor, labels: Tensor, neighbour: int) -> ClassSpace:
    """The space of training vectors (m, d) with `labels` (m,); classes without a vector have no mean in it.

    `neighbour` is at most m.
    """
    means = torch.stack([vectors[labels == label].mean(dim=0) for label in labels.unique()])
    centred = vectors - means[torch.unique(labels, return_inverse=True)[1]]
    covariance = (centred.T @ centred / len(vectors)).double()
    variance = covariance.diagonal().mean()
    covariance += (
        RIDGE
        * (variance if variance > 0 else 1)
        * torch.eye(len(covariance), dtype=torch.float64, device=covariance.device)
    )
    whitening = torch.linalg.cholesky(torch.linalg.inv(covariance)).to(vectors.dtype)
    nearest = torch.tensor(min(neighbour, len(vectors)))
    return ClassSpace(means @ whitening, whitening, normalize(vectors), nearest)


def save_class_space(space: ClassSpace, path: str | Path) -> None:
    """Write a space as safetensors."""
    with atomic_path(path) as partial:
        save_file({name: tensor.contiguous().cpu() for name, tensor in asdict(space).items()}, partial)


def load_class_space(path: str | Path, device: torch.device) -> ClassSpace:
    """The space that `save_class_space` wrote."""
    return ClassSpace(**load_file(path)).to(device)
