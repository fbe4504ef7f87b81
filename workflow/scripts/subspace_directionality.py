"""Score the bilinear form of every head and layer of each model, and random forms of the same shape."""

import numpy as np
import pandas as pd
import torch

from spikegeometry.evaluation.summaries import measurement_table
from spikegeometry.geometry import subspace_directionality as geometry
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import configure_logging, progress
from spikegeometry.model.weights import read_layers, read_shape
from spikegeometry.tables import write_parquet, write_tsv

PLACES = ["model", "form", "layer", "head"]

configure_logging(snakemake.log[0])
params = snakemake.params
torch.set_num_threads(snakemake.threads)
shape, pretrained = read_shape(snakemake.input.models[0]), read_layers(snakemake.input.models[0])
layers = choose(params.layers, range(1, shape.layers + 1), "analyses.subspace_directionality.layers")
heads = choose(params.heads, range(1, shape.heads + 1), "analyses.subspace_directionality.heads")


def forms(layer):
    return {"head": geometry.head_forms(layer, shape.heads, heads), "layer": geometry.layer_form(layer)}


def measure():
    for model, folder in zip(params.models, progress(snakemake.input.models, "models"), strict=True):
        for number, (layer, start) in enumerate(zip(read_layers(folder), pretrained, strict=True), start=1):
            for of, form in forms(layer).items() if number in layers else ():
                place = {"model": model, "form": of, "layer": number, "head": heads if of == "head" else None}
                change = {"relative_change": geometry.relative_change(form, forms(start)[of])}
                spectra = geometry.spectra(form)
                yield place, spectra, geometry.scores(form, spectra, params.top) | change


def spectral_lines():
    for place, spectra, _ in measurements:
        for spectrum, values in vars(spectra).items():
            for head, line in zip(place["head"] or [None], values.reshape(-1, values.shape[-1]).numpy(), strict=True):
                numbers = {"rank": np.arange(1, len(line) + 1), "value": line.real, "imaginary": line.imag}
                yield place | {"head": head, "spectrum": spectrum} | numbers


def random_scores():
    for of, rank in {"head": shape.hidden_size // shape.heads, "layer": shape.hidden_size}.items():
        drawn = geometry.random_scores(rank, shape.hidden_size, params.random_forms, params.top, params.seed)
        for statistic, values in drawn.items():
            low, high = np.quantile(values, [(1 - params.confidence) / 2, (1 + params.confidence) / 2])
            place = {"model": geometry.RANDOM, "form": of, "statistic": statistic}
            yield place | {"value": values.mean().item(), "n": len(values), "low": low, "high": high}


measurements = list(measure())
scores = measurement_table(place | values for place, _, values in measurements)
table = scores.melt(PLACES, [*geometry.STATISTICS, "relative_change"], "statistic").dropna(subset="value")
write_tsv(pd.concat([table, pd.DataFrame(random_scores())]), snakemake.output.table)
write_parquet(measurement_table(spectral_lines()), snakemake.output.spectra)
