"""The bilinear form of every head and layer of several models, and random forms of the same shape."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from spikegeometry.geometry import subspace_directionality as geometry
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import progress
from spikegeometry.model.weights import read_layers, read_shape
from spikegeometry.stats.summaries import measurement_table

PLACES = ["model", "form", "layer", "head"]


def measure(
    models: dict[str, str],
    layers: Sequence[int],
    heads: Sequence[int],
    top: int,
    random_forms: int,
    confidence: float,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Symmetry, directionality and spectra of query-key forms (arXiv 2502.12033).

    Parameters
    ----------
    models: folders by name; the first is the one that changes are measured from.
    layers, heads: to be measured; all where none is named. top: largest singular directions that are compared.
    random_forms: of each shape.

    Returns
    -------
    table: scores by model, form (of a `head` or `layer`), layer and head; those of random forms with intervals.
    spectra: eigenvalues and singular values by rank, from 1.
    """
    start = next(iter(models.values()))
    shape, pretrained = read_shape(start), read_layers(start)
    layers = choose(layers, range(1, shape.layers + 1), "analyses.subspace_directionality.layers")
    heads = choose(heads, range(1, shape.heads + 1), "analyses.subspace_directionality.heads")

    def forms(layer: dict) -> dict:
        return {"head": geometry.head_forms(layer, shape.heads, heads), "layer": geometry.layer_form(layer)}

    def measured() -> Iterator[tuple]:
        for model, folder in progress(models.items(), "models", len(models)):
            for number, (layer, before) in enumerate(zip(read_layers(folder), pretrained, strict=True), start=1):
                for of, form in forms(layer).items() if number in layers else ():
                    place = {"model": model, "form": of, "layer": number, "head": heads if of == "head" else None}
                    change = {"relative_change": geometry.relative_change(form, forms(before)[of])}
                    spectra = geometry.spectra(form)
                    yield place, spectra, geometry.scores(form, spectra, top) | change

    measurements = list(measured())
    scores = measurement_table(place | values for place, _, values in measurements)
    table = scores.melt(PLACES, [*geometry.STATISTICS, "relative_change"], "statistic").dropna(subset="value")
    ranks = {"head": shape.hidden_size // shape.heads, "layer": shape.hidden_size}
    random = pd.DataFrame(_random_scores(ranks, shape.hidden_size, random_forms, top, confidence, seed))
    return {"table": pd.concat([table, random]), "spectra": measurement_table(_spectral_lines(measurements))}


def _spectral_lines(measurements: list[tuple]) -> Iterator[dict]:
    for place, spectra, _ in measurements:
        for spectrum, values in vars(spectra).items():
            for head, line in zip(place["head"] or [None], values.reshape(-1, values.shape[-1]).numpy(), strict=True):
                numbers = {"rank": np.arange(1, len(line) + 1), "value": line.real, "imaginary": line.imag}
                yield place | {"head": head, "spectrum": spectrum} | numbers


def _random_scores(
    ranks: dict[str, int], size: int, forms: int, top: int, confidence: float, seed: int
) -> Iterator[dict]:
    for of, rank in ranks.items():
        for statistic, values in geometry.random_scores(rank, size, forms, top, seed).items():
            low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
            place = {"model": geometry.RANDOM, "form": of, "statistic": statistic}
            yield place | {"value": values.mean().item(), "n": len(values), "low": low, "high": high}
