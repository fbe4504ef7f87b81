"""The weights and LayerNorms of every layer of several models, and maps of those of the fine-tuned one."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from spikegeometry.geometry import weight_statistics as geometry
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import progress
from spikegeometry.model.weights import read_layers, read_shape

MAPPED = "finetuned"


def measure(
    models: dict[str, str],
    layers: Sequence[int],
    energy_share: float,
    map_size: int,
    rogue_z: float,
    rogue_layers: float,
) -> dict[str, pd.DataFrame | dict[str, np.ndarray]]:
    """Norms, ranks, distributions and changes of the matrices, and dimensions of unusual LayerNorm gains.

    Parameters
    ----------
    models: folders by name; the first, `pretrained`, is the one that changes are measured from.
    layers: to be measured; all where none is named. energy_share: of the squared singular values that a rank holds.
    map_size: rows and columns of the maps at most. rogue_z, rogue_layers: a dimension is rogue where it is beyond so
    many standard deviations in at least this share of the layers.

    Returns
    -------
    table: statistics by model, layer, site and head. histograms: densities of standardised weights. coordinates: of
    LayerNorms and biases, how unusual each dimension is. maps: float16 arrays named KIND.LAYER.SITE.
    """
    start = models["pretrained"]
    shape, pretrained = read_shape(start), read_layers(start)
    layers = choose(layers, range(1, shape.layers + 1), "analyses.weight_statistics.layers")
    rows: list[dict] = []
    densities, coordinates = [], []
    maps: dict[str, np.ndarray] = {}

    def add_rows(place: dict, statistics: dict) -> None:
        rows.extend(place | {"statistic": name, "value": value} for name, value in statistics.items())

    def add_map(place: dict, kind: str, column: str | int, means) -> None:
        image, scale = geometry.scaled(means)
        maps[f"{kind}.{place['layer']}.{column}"] = image.numpy().astype(np.float16)
        add_rows(place, {f"{kind}_map_scale": scale})

    for model, folder in progress(models.items(), "models", len(models)):
        weights = read_layers(folder)
        for number in layers:
            layer, before = weights[number - 1], pretrained[number - 1]
            place = {"model": model, "layer": number, "head": None}
            for name in geometry.MATRICES:
                site, weight, old = place | {"site": name}, layer[f"{name}.weight"], before[f"{name}.weight"]
                add_rows(site, geometry.matrix_statistics(weight, old, energy_share))
                centre, density = geometry.histogram(weight, old)
                densities.append(pd.DataFrame(site | {"centre": centre, "density": density}).drop(columns="head"))
                if model == MAPPED:
                    add_map(site, "weight", name, geometry.block_means(weight, map_size))
                    add_map(site, "change", name, geometry.block_means(weight - old, map_size))
            for name in geometry.VECTORS:
                add_rows(place | {"site": name}, geometry.vector_statistics(layer[name], before[name]))
            if model == MAPPED:
                for head, means in enumerate(geometry.form_maps(layer, shape.heads, map_size), start=1):
                    add_map(place | {"head": head, "site": "form"}, "form", head, means)
        for name in geometry.VECTORS:
            share, z = geometry.rogue_coordinates([weights[number - 1][name] for number in layers], rogue_z)
            found = {"coordinate": range(len(z)), "layers_share": share, "mean_z": z, "rogue": share >= rogue_layers}
            coordinates.append(pd.DataFrame({"model": model, "site": name} | found))

    return {
        "table": pd.DataFrame(rows).dropna(subset="value"),
        "histograms": pd.concat(densities),
        "coordinates": pd.concat(coordinates),
        "maps": maps,
    }
