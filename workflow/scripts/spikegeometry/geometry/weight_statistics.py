"""What the weights of a layer look like: their sizes, their tails, and the gains and biases of its LayerNorms.

Nothing here writes to a tensor it is given.
"""

import math

import torch
from scipy import stats
from torch import Tensor
from torch.nn.functional import avg_pool2d

MATRICES = ("query", "key", "value", "output", "intermediate", "ffn_output")
# The gains (`weight`) and biases of the LayerNorms after the attention and after the feed-forward network.
VECTORS = ("attention_norm.weight", "attention_norm.bias", "output_norm.weight", "output_norm.bias")
# Share of a map's cells that keep their colour: the few largest would take it from all others.
MAP_QUANTILE = 0.999
# Histograms: bins over this many standard deviations to either side; what lies beyond counts in the last bin.
BINS, REACH = 161, 8.05


def matrix_statistics(weight: Tensor, start: Tensor, share: float) -> dict[str, float]:
    """Statistics of a weight (m, n), and its change from what it was at the `start`.

    kurtosis           excess over that of a normal law, 0
    top_energy         share of the `share` largest |w| in the sum of squares; top_energy_random of as many normal ones
    sigma_1            largest singular value; sigma_1_random is that of random weights of the same sd and mean 0
    stable_rank        ||W||^2 / sigma_1^2; stable_rank_random of random weights
    relative_change    ||W - W0|| / ||W0||

    NaN where it is undefined: for weights all equal, or a start of zero.
    """
    m, n = weight.shape
    start, weight = start.double(), weight.double()
    squares = weight.square()
    energy = squares.sum()
    sd = weight.std(correction=0)
    gram = weight @ weight.T if m < n else weight.T @ weight
    largest = torch.linalg.eigvalsh(gram)[-1].clamp(min=0)
    edge = math.sqrt(m) + math.sqrt(n)
    values = {
        "mean": weight.mean(),
        "sd": sd,
        "abs_max": weight.abs().max(),
        "kurtosis": (standardised(weight) ** 4).mean() - 3 if _varies(weight) else torch.nan,
        "top_energy": squares.flatten().topk(max(1, round(share * m * n))).values.sum() / energy,
        "top_energy_random": normal_energy(share),
        "sigma_1": largest.sqrt(),
        # The edge of the spectrum of large random matrices (Bai and Yin, 1993).
        "sigma_1_random": sd * edge,
        "stable_rank": energy / largest,
        "stable_rank_random": m * n / edge**2,
        "relative_change": _relative_change(weight, start),
    }
    return {name: float(value) for name, value in values.items()}


def vector_statistics(vector: Tensor, start: Tensor) -> dict[str, float]:
    """Statistics of a LayerNorm's gains or biases (d,), and their change from what they were at the `start`."""
    vector, start = vector.double(), start.double()
    return {
        "mean": vector.mean().item(),
        "sd": vector.std(correction=0).item(),
        "min": vector.min().item(),
        "max": vector.max().item(),
        "abs_max_z": standardised(vector).abs().max().item(),
        "relative_change": _relative_change(vector, start).item(),
    }


def standardised(values: Tensor) -> Tensor:
    """The values less their mean over their standard deviation; 0 where all are equal."""
    values = values.double()
    if not _varies(values):
        return torch.zeros_like(values)
    return (values - values.mean()) / values.std(correction=0)


def rogue_coordinates(vectors: list[Tensor], threshold: float) -> tuple[Tensor, Tensor]:
    """Share of the layers in which each coordinate is beyond `threshold` sd from the mean, and its mean z: (d,) each.

    `vectors` (d,) are the gains, or the biases, of one LayerNorm in each layer. Coordinates that stand out layer after
    layer rule cosines of hidden states (Timkey and van Schijndel, arXiv 2109.04404).
    """
    z = torch.stack([standardised(vector) for vector in vectors])
    return (z.abs() > threshold).double().mean(dim=0), z.mean(dim=0)


def histogram(weight: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
    """Centres of BINS bins in units of the sd of `start`, and the density of the weights there; it integrates to 1."""
    edges = torch.linspace(-REACH, REACH, BINS + 1, dtype=torch.float64)
    sd = start.double().std(correction=0) if _varies(start) else 1
    inside = (weight.double().flatten() / sd).clamp(-REACH, REACH)
    counts = torch.histogram(inside, edges).hist
    return (edges[1:] + edges[:-1]) / 2, counts / counts.sum() / (edges[1] - edges[0])


def block_means(matrix: Tensor, size: int) -> Tensor:
    """The matrix (m, n) averaged over equal blocks to at most `size` x `size`; the last blocks can be smaller."""
    blocks = [math.ceil(length / size) for length in matrix.shape]
    return avg_pool2d(matrix[None], blocks, ceil_mode=True)[0]


def form_maps(layer: dict[str, Tensor], heads: int, size: int) -> Tensor:
    """Block means (heads, s, s) of the bilinear form Wq^T Wk of each head of a layer, s at most `size`.

    The mean of a product over a block of it is the product of the factors' means, so the form itself is not needed.
    """
    block = math.ceil(layer["query.weight"].shape[1] / size)
    queries, keys = (
        avg_pool2d(layer[f"{name}.weight"].unflatten(0, (heads, -1)), (1, block), ceil_mode=True)
        for name in ("query", "key")
    )
    return queries.mT @ keys


def scaled(means: Tensor) -> tuple[Tensor, float]:
    """A map between -1 and 1, and the value that 1 stands for: the MAP_QUANTILE of its moduli.

    The scale is the map's own, because means over blocks are far smaller than single weights.
    """
    moduli = means.abs().double().flatten().sort().values
    scale = moduli[math.ceil(MAP_QUANTILE * len(moduli)) - 1].item()
    return (means / scale).clamp(-1, 1) if scale else torch.zeros_like(means), scale


def normal_energy(share: float) -> float:
    """Share of the largest `share` of normal values in their sum of squares."""
    edge = stats.norm.isf(share / 2)
    return float(2 * edge * stats.norm.pdf(edge) + share)


def _relative_change(values: Tensor, start: Tensor) -> Tensor:
    before = torch.linalg.norm(start)
    return torch.where(before > 0, torch.linalg.norm(values - start) / before, torch.nan)


def _varies(values: Tensor) -> bool:
    """Whether values differ by more than rounding."""
    return (values.max() - values.min() > 1e-12 * values.abs().max()).item()
