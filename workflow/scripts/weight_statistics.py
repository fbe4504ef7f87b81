"""Measure the weights and LayerNorms of every layer of each model, and map the weights of the fine-tuned one."""

import numpy as np
import pandas as pd
import torch

from spikegeometry.geometry import weight_statistics as geometry
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import configure_logging, progress
from spikegeometry.model.weights import read_layers, read_shape
from spikegeometry.tables import atomic_path, write_parquet, write_tsv

configure_logging(snakemake.log[0])
params = snakemake.params
torch.set_num_threads(snakemake.threads)
folders = dict(zip(params.models, snakemake.input.models, strict=True))
shape, pretrained = read_shape(folders["pretrained"]), read_layers(folders["pretrained"])
layers = choose(params.layers, range(1, shape.layers + 1), "analyses.weight_statistics.layers")
rows, densities, coordinates, maps = [], [], [], {}


def add_rows(place, statistics):
    rows.extend(place | {"statistic": name, "value": value} for name, value in statistics.items())


def add_map(place, kind, column, means):
    image, scale = geometry.scaled(means)
    maps[f"{kind}.{place['layer']}.{column}"] = image.numpy().astype(np.float16)
    add_rows(place, {f"{kind}_map_scale": scale})


for model, folder in progress(folders.items(), "models", len(folders)):
    weights = read_layers(folder)
    for number in layers:
        layer, start = weights[number - 1], pretrained[number - 1]
        place = {"model": model, "layer": number, "head": None}
        for name in geometry.MATRICES:
            site, weight, before = place | {"site": name}, layer[f"{name}.weight"], start[f"{name}.weight"]
            add_rows(site, geometry.matrix_statistics(weight, before, params.energy_share))
            centre, density = geometry.histogram(weight, before)
            densities.append(pd.DataFrame(site | {"centre": centre, "density": density}).drop(columns="head"))
            if model == "finetuned":
                add_map(site, "weight", name, geometry.block_means(weight, params.map_size))
                add_map(site, "change", name, geometry.block_means(weight - before, params.map_size))
        for name in geometry.VECTORS:
            add_rows(place | {"site": name}, geometry.vector_statistics(layer[name], start[name]))
        if model == "finetuned":
            for head, means in enumerate(geometry.form_maps(layer, shape.heads, params.map_size), start=1):
                add_map(place | {"head": head, "site": "form"}, "form", head, means)
    for name in geometry.VECTORS:
        share, z = geometry.rogue_coordinates([weights[number - 1][name] for number in layers], params.rogue_z)
        found = {"coordinate": range(len(z)), "layers_share": share, "mean_z": z, "rogue": share >= params.rogue_layers}
        coordinates.append(pd.DataFrame({"model": model, "site": name} | found))

write_tsv(pd.DataFrame(rows).dropna(subset="value"), snakemake.output.table)
write_parquet(pd.concat(densities), snakemake.output.histograms)
write_parquet(pd.concat(coordinates), snakemake.output.coordinates)
with atomic_path(snakemake.output.maps) as partial:
    np.savez_compressed(partial, **maps)
