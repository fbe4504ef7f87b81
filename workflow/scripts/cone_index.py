"""Measure the cone index of the token vectors of every recorded sequence, and of the sequences of every class."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from spikegeometry.evaluation.summaries import ALL_CLASSES, class_means, labelled_sequences, measurement_table
from spikegeometry.geometry.cone_index import STATISTICS, cone_variants, sites, token_cone_variants
from spikegeometry.geometry.cones import RANDOM
from spikegeometry.geometry.heads import head_tensors
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import configure_logging
from spikegeometry.model.activations import Recorded
from spikegeometry.model.weights import read_layers, read_shape
from spikegeometry.tables import read_tsv, write_parquet, write_tsv

PLACES = ["layer", "head", "site", "axis", "variant"]

configure_logging(snakemake.log[0])
params = snakemake.params
torch.set_num_threads(snakemake.threads)
shape, weights = read_shape(snakemake.input.model), read_layers(snakemake.input.model)
recorded = Recorded(Path(snakemake.input.hidden_states).parent)
layers = choose(params.layers, range(1, shape.layers + 1), "analyses.cone_index.layers")
heads = choose(params.heads, range(1, shape.heads + 1), "analyses.cone_index.heads")
classes = choose(params.selected_classes, params.classes, "analyses.cone_index.classes")


def measure_tokens():
    for sequence, hidden in labelled_sequences(recorded, classes):
        for layer in layers:
            tensors = head_tensors(hidden[layer - 1], weights[layer - 1], shape.heads, shape.eps)
            for site, vectors in sites(hidden[layer - 1], tensors, hidden[layer], heads).items():
                place = {"layer": layer, "head": heads if site == "head" else None, "site": site, "axis": "tokens"}
                for variant, cone in token_cone_variants(vectors, params.rogue_coordinates).items():
                    yield sequence | place | {"variant": variant} | vars(cone)


def measure_sequences():
    sequences = read_tsv(snakemake.input.sequences)
    cls = np.load(snakemake.input.cls, mmap_mode="r", allow_pickle=False)
    probabilities = pd.read_parquet(snakemake.input.predictions)[[f"p_{name}" for name in params.classes]]
    levels = {("cls", layer): cls[:, layer] for layer in (0, *layers)} | {("softmax", None): probabilities.to_numpy()}
    for name in [*classes, ALL_CLASSES]:
        rows = np.flatnonzero(sequences["class"].isin(classes if name == ALL_CLASSES else [name]))
        for (site, layer), vectors in levels.items() if len(rows) else ():
            place = {"class": name, "layer": layer, "head": None, "site": site, "axis": "sequences"}
            # Random directions are no yardstick for probabilities, which are never negative.
            floor = dict.fromkeys(RANDOM, np.nan) if site == "softmax" else {}
            for variant, cone in cone_variants(torch.from_numpy(vectors[rows]), params.rogue_coordinates).items():
                yield place | {"variant": variant} | vars(cone) | floor


measurements = measurement_table(measure_tokens())
means = class_means(measurements, classes, PLACES, list(STATISTICS), params.confidence)
across = measurement_table(measure_sequences()).melt(["class", *PLACES, "n"], STATISTICS, "statistic")
write_parquet(measurements, snakemake.output.sequences)
write_tsv(pd.concat([means, across.dropna(subset="value")]), snakemake.output.table)
