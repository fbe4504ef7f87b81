"""Roles of heads: the five classes of attention maps that recur in BERT, after Kovaleva et al. (arXiv 1908.08593).

They named 400 maps by eye and trained a network to name the others. There is no such training set here: a map is named
by its scores (`spikegeometry.geometry.patterns`), and the thresholds are ours.
"""

import math

import torch
from torch import Tensor

from spikegeometry.geometry.patterns import DECIMALS, HETEROGENEOUS, UNDEFINED

# In order: the colours and tables of roles follow it, and of equally frequent roles the first is taken.
PATTERNS = ("vertical", "diagonal", "vertical+diagonal", "block")
ROLES = (*PATTERNS, HETEROGENEOUS)

VERTICAL = DIAGONAL = 0.5
BOTH = 0.25
BLOCK = 0.3


def role_scores(scores: dict[str, Tensor]) -> dict[str, Tensor]:
    """How much of each of ROLES a map shows, each (H,) in [0, 1], from `gate_scores`.

    vertical            mass in a few columns
    diagonal            mass on the diagonal and its neighbours
    vertical+diagonal   the lesser of the two
    block               far mass that stays within blocks of tokens
    heterogeneous       what vertical, diagonal and block leave
    """
    vertical, diagonal, block = scores["vertical"], scores["diag"], scores["cluster"]
    return {
        "vertical": vertical,
        "diagonal": diagonal,
        "vertical+diagonal": torch.minimum(vertical, diagonal),
        "block": block,
        HETEROGENEOUS: (1 - vertical - diagonal - block).clamp(min=0),
    }


def role_labels(scores: dict[str, Tensor]) -> list[str]:
    """The role of each head from `role_scores`; UNDEFINED where they are NaN.

    Rules are tried in order, so that a stripe and a diagonal together are a role of their own.
    """
    rounded = [scores[name].double().round(decimals=DECIMALS).tolist() for name in PATTERNS]
    return [_role(*values) for values in zip(*rounded, strict=True)]


def _role(vertical: float, diagonal: float, both: float, block: float) -> str:
    if math.isnan(vertical):
        return UNDEFINED
    if both >= BOTH:
        return "vertical+diagonal"
    if vertical >= VERTICAL:
        return "vertical"
    if diagonal >= DIAGONAL:
        return "diagonal"
    if block >= BLOCK:
        return "block"
    return HETEROGENEOUS
