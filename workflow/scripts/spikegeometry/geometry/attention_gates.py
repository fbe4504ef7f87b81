"""Gates: the name of each head by its attention patterns.

Bonino, Ghione and Cirrincione (arXiv 2502.12033) call attention patterns gates; we know of no numeric definition of
theirs, so heads are named by the scores of `spikegeometry.geometry.patterns`.
"""

import math

import torch
from torch import Tensor

from spikegeometry.geometry.patterns import DECIMALS, HETEROGENEOUS, UNDEFINED

# Patterns that name a head; `diag` includes self, bwd and fwd and names none.
NAMED = ("diffuse", "vertical", "self", "bwd", "fwd", "cluster", "instance")


def gate_labels(scores: dict[str, Tensor], threshold: float) -> list[str]:
    """Name of each head: its best pattern of NAMED, `best+second` where both reach `threshold`, else HETEROGENEOUS.

    Equal scores are ordered by name, the last of the alphabet first. UNDEFINED where the scores are NaN.
    """
    names = sorted(NAMED, reverse=True)
    table = torch.stack([scores[name] for name in names], dim=-1).double().round(decimals=DECIMALS)
    values, order = table.sort(dim=-1, descending=True, stable=True)
    labels = []
    for (best, second), (first_name, second_name) in zip(values[:, :2].tolist(), order[:, :2].tolist(), strict=True):
        if math.isnan(best):
            labels.append(UNDEFINED)
        elif best < threshold:
            labels.append(HETEROGENEOUS)
        elif second < threshold:
            labels.append(names[first_name])
        else:
            labels.append(f"{names[first_name]}+{names[second_name]}")
    return labels
