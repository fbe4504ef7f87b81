"""How near token vectors are to normal samples: the coordinates of each vector, or each coordinate over the tokens.

LayerNorm gives each vector, before its gain and bias, mean 0 and variance 1, so location and scale say nothing; gain
and bias then make the coordinates differ in law. "Normal over the coordinates" is therefore a description, not a model
of sampling: skewness and excess kurtosis, as sizes of effect, come before p-values, which with 768 coordinates reject
small deviations. One coordinate far out decides both, so each vector is measured with and without such coordinates.
The values of one coordinate over the tokens of a sequence are of one law at most, but not independent.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from scipy import stats
from torch import Tensor

from spikegeometry.geometry.heads import head_tensors

# Below this many coordinates the approximations of the tests do not hold (D'Agostino et al. 1990).
MIN_COORDINATES = 20
# Spread, as a share of the largest absolute value, below which float32 cannot tell coordinates from a constant.
RESOLUTION = 1e-6
# Stephens's formula for large statistics turns upwards at 153; by then p is under 1e-180.
LARGEST_STATISTIC = 150.0
# What a sample is: the coordinates of one token, or one coordinate of the tokens.
UNITS = ("token", "coordinate")
TESTS = ("dagostino_pearson", "anderson_darling")


def samples(
    hidden: Tensor, layer: int, layers: list[dict[str, Tensor]], heads: int, eps: float, all_sites: bool
) -> Iterator[tuple[str, str, Tensor]]:
    """Sites and units (`UNITS`) of a layer with the vectors to measure, (n, d) or of each head.

    The output of each layer token by token, 0 being the embeddings; with `all_sites` also by coordinate, and what
    enters the output. `hidden` is (L+1, n, d), of one sequence; `layers` are the L blocks' weights, as `geometry.heads`
    takes them.
    """
    yield "output", "token", hidden[layer]
    if all_sites:
        yield "output", "coordinate", hidden[layer]
        if layer:
            block = head_tensors(hidden[layer - 1], layers[layer - 1], heads, eps)
            for site, vectors in (("attention_output", block.attention_output), ("head", block.z)):
                yield from ((site, unit, vectors) for unit in UNITS)


@dataclass(frozen=True)
class Normality:
    """Shape of each vector; float64 (n,), NaN for vectors whose coordinates are all equal."""

    n: Tensor  # coordinates that were measured
    skewness: Tensor  # third standardised moment
    kurtosis: Tensor  # excess: fourth standardised moment less 3
    largest_z: Tensor  # largest distance from the mean, in standard deviations
    outliers: Tensor  # coordinates farther than the limit from the mean, in the whole vector
    dagostino_pearson: Tensor  # K^2
    dagostino_pearson_p: Tensor
    anderson_darling: Tensor  # A^2, mean and variance estimated
    anderson_darling_p: Tensor


def normality(vectors: Tensor, limit: float) -> dict[str, Normality]:
    """Shape of vectors (n, d): of all coordinates, and of those within `limit` standard deviations of the mean."""
    values = vectors.double()
    z = _standardise(values, torch.ones_like(values, dtype=torch.bool))
    far = z.abs() > limit
    whole = _measure(values, torch.ones_like(far), far)
    trimmed = {name: tensor.clone() for name, tensor in vars(whole).items()}
    rows = far.any(dim=1)
    if rows.any():
        for name, tensor in vars(_measure(values[rows], ~far[rows], far[rows])).items():
            trimmed[name][rows] = tensor
    return {"all": whole, "without_outliers": Normality(**trimmed)}


def _measure(values: Tensor, kept: Tensor, far: Tensor) -> Normality:
    z = _standardise(values, kept)
    n = kept.sum(dim=1).double()
    skewness, kurtosis = (z**3).sum(dim=1) / n, (z**4).sum(dim=1) / n - 3
    squared = dagostino_pearson(skewness, kurtosis, n)
    statistic = anderson_darling(z * ((n - 1) / n).sqrt().unsqueeze(1), kept)
    return Normality(
        n=n,
        skewness=skewness,
        kurtosis=kurtosis,
        largest_z=z.abs().amax(dim=1),
        outliers=far.sum(dim=1).double(),
        dagostino_pearson=squared,
        dagostino_pearson_p=torch.exp(-squared / 2),  # chi-square with two degrees of freedom
        anderson_darling=statistic,
        anderson_darling_p=anderson_darling_p(statistic, n),
    )


def _standardise(values: Tensor, kept: Tensor) -> Tensor:
    """Kept coordinates less their mean over their standard deviation (that of the sample itself), zero elsewhere."""
    n = kept.sum(dim=1, keepdim=True)
    centred = (values - (values * kept).sum(dim=1, keepdim=True) / n) * kept
    spread = ((centred**2).sum(dim=1, keepdim=True) / n).sqrt()
    constant = spread <= RESOLUTION * (values * kept).abs().amax(dim=1, keepdim=True)
    return centred / torch.where(constant, torch.nan, spread)


def dagostino_pearson(skewness: Tensor, kurtosis: Tensor, n: Tensor) -> Tensor:
    """The statistic K^2 of samples of size `n`, NaN under MIN_COORDINATES.

    The sum of two squared normal scores, of skewness (D'Agostino 1970, Biometrika 57:679) and of kurtosis (Anscombe and
    Glynn 1983, Biometrika 70:227).
    """
    y = skewness * ((n + 1) * (n + 3) / (6 * (n - 2))).sqrt()
    fourth = 3 * (n**2 + 27 * n - 70) * (n + 1) * (n + 3) / ((n - 2) * (n + 5) * (n + 7) * (n + 9))
    square = (2 * (fourth - 1)).sqrt() - 1
    of_skewness = torch.asinh(y * ((square - 1) / 2).sqrt()) / (square.log() / 2).sqrt()

    expected = 3 * (n - 1) / (n + 1)
    variance = 24 * n * (n - 2) * (n - 3) / ((n + 1) ** 2 * (n + 3) * (n + 5))
    x = (kurtosis + 3 - expected) / variance.sqrt()
    third = 6 * (n**2 - 5 * n + 2) / ((n + 7) * (n + 9)) * (6 * (n + 3) * (n + 5) / (n * (n - 2) * (n - 3))).sqrt()
    a = 6 + 8 / third * (2 / third + (1 + 4 / third**2).sqrt())
    ratio = (1 - 2 / a) / (1 + x * (2 / (a - 4)).sqrt())
    of_kurtosis = (1 - 2 / (9 * a) - ratio.sign() * ratio.abs() ** (1 / 3)) / (2 / (9 * a)).sqrt()
    return torch.where(n < MIN_COORDINATES, torch.nan, of_skewness**2 + of_kurtosis**2)


def anderson_darling(z: Tensor, kept: Tensor) -> Tensor:
    """The statistic A^2 of each row of `z` (n, d), standardised by estimated mean and variance (of d - 1).

    Only `kept` coordinates count (Anderson and Darling 1954, J Am Stat Assoc 49:765).
    """
    n = kept.sum(dim=1, keepdim=True)
    ordered = torch.where(kept, z, torch.inf).sort(dim=1).values
    rank = torch.arange(1, z.shape[1] + 1)
    inside = rank <= n
    ordered = torch.where(inside, ordered, 0)
    below, above = torch.special.log_ndtr(ordered), torch.special.log_ndtr(-ordered)
    terms = (2 * rank - 1) * below + (2 * (n - rank) + 1) * above
    return -n.squeeze(1) - (terms * inside).sum(dim=1) / n.squeeze(1)


def anderson_darling_p(statistic: Tensor, n: Tensor) -> Tensor:
    """P-value of A^2 with estimated mean and variance, NaN under MIN_COORDINATES.

    Stephens's approximation (D'Agostino and Stephens 1986, Goodness-of-Fit Techniques, table 4.9).
    """
    a = (statistic * (1 + 0.75 / n + 2.25 / n**2)).clamp(max=LARGEST_STATISTIC)
    p = torch.where(a < 0.6, torch.exp(0.9177 - 4.279 * a - 1.38 * a**2), torch.exp(1.2937 - 5.709 * a + 0.0186 * a**2))
    p = torch.where(a < 0.34, 1 - torch.exp(-8.318 + 42.796 * a - 59.938 * a**2), p)
    p = torch.where(a < 0.2, 1 - torch.exp(-13.436 + 101.14 * a - 223.73 * a**2), p)
    return torch.where(n < MIN_COORDINATES, torch.nan, p)


def adjusted(p: Tensor) -> Tensor:
    """P-values (n,) after Benjamini and Hochberg's control of the false discovery rate; NaN stay and do not count."""
    q = torch.full_like(p, torch.nan)
    defined = ~p.isnan()
    if defined.any():
        q[defined] = torch.from_numpy(stats.false_discovery_control(p[defined].numpy()))
    return q


def token_summary(shape: Normality, alpha: float) -> dict[str, Tensor]:
    """What is averaged over the tokens of a sequence and layer: each (n,), NaN where a token has no shape.

    `abs_skewness_chance` is what `abs_skewness` is for normal samples. `TEST_below`: whether p is under `alpha`;
    `TEST_rejected`: whether it still is after `adjusted` over all these tokens.
    """
    summary = {
        "skewness": shape.skewness,
        "abs_skewness": shape.skewness.abs(),
        "abs_skewness_chance": (12 / math.pi * (shape.n - 2) / ((shape.n + 1) * (shape.n + 3))).sqrt(),
        "kurtosis": shape.kurtosis,
        "largest_z": shape.largest_z,
        "outliers": shape.outliers,
        "constant": shape.skewness.isnan().double(),
    }
    for test in TESTS:
        p = getattr(shape, f"{test}_p")
        for name, values in (("below", p), ("rejected", adjusted(p))):
            summary[f"{test}_{name}"] = torch.where(values.isnan(), torch.nan, (values < alpha).double())
    return summary


def group_means(summary: dict[str, Tensor], n: int) -> dict[str, dict[str, float]]:
    """Means of a `token_summary` (rows * n,) over the k-mers, and over the first and the last of n: [CLS] and [SEP]."""
    groups = {"k-mers": slice(1, -1), "[CLS]": slice(0, 1), "[SEP]": slice(-1, None)}
    return {
        group: {name: values.reshape(-1, n)[:, tokens].nanmean().item() for name, values in summary.items()}
        for group, tokens in groups.items()
    }


def unit_means(vectors: Tensor, unit: str, limit: float, alpha: float) -> Iterator[tuple[str, str, dict[str, float]]]:
    """Token (group), variant and means of the shapes of samples from token vectors (..., n, d) of one sequence.

    A sample of the unit `token` is the d coordinates of one vector, and one of the unit `coordinate` the values of one
    coordinate over the k-mers, as many as there are.
    """
    if unit == "coordinate":
        over_kmers = vectors[..., 1:-1, :].transpose(-1, -2).flatten(0, -2)
        for variant, shape in normality(over_kmers, limit).items():
            summary = token_summary(shape, alpha)
            yield "k-mers", variant, {name: values.nanmean().item() for name, values in summary.items()}
        return
    for variant, shape in normality(vectors.flatten(0, -2), limit).items():
        for token, means in group_means(token_summary(shape, alpha), vectors.shape[-2]).items():
            yield token, variant, means


def bin_counts(values: Tensor, width: float) -> tuple[Tensor, Tensor]:
    """Number of values in each bin [i width, (i + 1) width): the i from the lowest to the highest, and the counts."""
    bins = torch.floor(values.double() / width).long().flatten()
    lowest = bins.min()
    counts = torch.bincount(bins - lowest)
    return torch.arange(len(counts)) + lowest, counts
