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

    Equal scores are ordered by name, the last of the alphabet first. But a head that looks behind as much as ahead is
    named by both: where `fwd` is the second and `bwd` is equal, it is a third. UNDEFINED where the scores are NaN.
    """
    names = sorted(NAMED, reverse=True)
    table = torch.stack([scores[name] for name in names], dim=-1).double().round(decimals=DECIMALS)
    values, order = table.sort(dim=-1, descending=True, stable=True)
    labels = []
    for scored, ranked in zip(values.tolist(), order.tolist(), strict=True):
        patterns = [names[i] for value, i in zip(scored, ranked, strict=True) if value >= threshold]
        both_sides = patterns[1:3] == ["fwd", "bwd"] and scored[1] == scored[2]
        if math.isnan(scored[0]):
            labels.append(UNDEFINED)
        else:
            labels.append("+".join(patterns[: 3 if both_sides else 2]) or HETEROGENEOUS)
    return labels
