"""Measure the cone index of the token vectors of every recorded sequence, and of the sequences of every class."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from spikegeometry.dataset.encoding import number_rows, open_split
from spikegeometry.evaluation.summaries import ALL_CLASSES, class_means, labelled_sequences, measurement_table
from spikegeometry.geometry import cone_index, readout
from spikegeometry.geometry.heads import head_tensors
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import configure_logging
from spikegeometry.model.activations import Recorded
from spikegeometry.model.weights import read_embeddings, read_head, read_layers, read_shape
from spikegeometry.tables import read_tsv, write_parquet, write_tsv

PLACES = ["layer", "head", "site", "axis", "variant"]
configure_logging(snakemake.log[0])
params, paths = snakemake.params, snakemake.input
torch.set_num_threads(snakemake.threads)
shape, weights, embeddings = read_shape(paths.model), read_layers(paths.model), read_embeddings(paths.model)
sequences = read_tsv(paths.sequences).assign(input=lambda table: number_rows(open_split(paths.split))[table["index"]])
recorded = Recorded(Path(paths.hidden_states).parent)
tokens = dict(zip(recorded.sequences["accession"], torch.from_numpy(np.array(recorded.tokens)), strict=True))
layers = choose(params.layers, range(1, shape.layers + 1), "analyses.cone_index.layers")
heads = choose(params.heads, range(1, shape.heads + 1), "analyses.cone_index.heads")
classes = choose(params.selected_classes, params.classes, "analyses.cone_index.classes")


def measure_tokens():
    for sequence, hidden in labelled_sequences(recorded, classes):
        levels = {0: cone_index.embedding_sites(tokens[sequence["sequence"]][: hidden.shape[1]], embeddings)}
        for layer in layers:
            tensors = head_tensors(hidden[layer - 1], weights[layer - 1], shape.heads, shape.eps)
            levels[layer] = cone_index.sites(hidden[layer - 1], tensors, hidden[layer], heads)
        for layer, site, vectors in ((layer, *site) for layer, level in levels.items() for site in level.items()):
            place = {"layer": layer, "head": heads if site == "head" else None, "site": site, "axis": "tokens"}
            for variant, cone in cone_index.token_cone_variants(vectors, params.rogue_coordinates).items():
                yield sequence | place | {"variant": variant} | vars(cone)


def measure_sequences():
    cls = torch.from_numpy(np.load(paths.cls, mmap_mode="c", allow_pickle=False))
    levels = {(site, None): out for site, out in readout.classifier_outputs(cls[:, -1], read_head(paths.model)).items()}
    levels |= {("cls", layer): cls[:, layer] for layer in (0, *layers)}
    for name, of in [*((one, [one]) for one in classes), (ALL_CLASSES, classes)]:
        rows = sequences[sequences["class"].isin(of)].drop_duplicates("input").index.to_numpy()
        for (site, layer), vectors in levels.items() if len(rows) else ():
            place = {"class": name, "layer": layer, "head": None, "site": site, "axis": "sequences"}
            cones = cone_index.cone_variants(vectors[rows], params.rogue_coordinates, floor=site != "softmax")
            yield from (place | {"variant": variant} | vars(cone) for variant, cone in cones.items())


measurements = measurement_table(measure_tokens())
means = class_means(measurements, classes, PLACES, list(cone_index.STATISTICS), params.confidence)
across = measurement_table(measure_sequences()).melt(["class", *PLACES, "n"], cone_index.STATISTICS, "statistic")
write_parquet(measurements, snakemake.output.sequences)
write_tsv(pd.concat([means, across.dropna(subset="value")]), snakemake.output.table)
