"""Score the attention patterns of every head in every recorded sequence, and name the heads by them."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from spikegeometry.evaluation.summaries import class_means, label_shares, labelled_sequences, measurement_table
from spikegeometry.geometry.attention_gates import gate_labels
from spikegeometry.geometry.heads import attention_maps, kmer_maps
from spikegeometry.geometry.patterns import SCORES, SIMPLEX, gate_scores
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import configure_logging
from spikegeometry.model.activations import Recorded
from spikegeometry.model.weights import read_layers, read_shape
from spikegeometry.tables import write_parquet, write_tsv

PLACES = ["layer", "head", "variant"]

configure_logging(snakemake.log[0])
params = snakemake.params
torch.set_num_threads(snakemake.threads)
shape, weights = read_shape(snakemake.input.model), read_layers(snakemake.input.model)
recorded = Recorded(Path(snakemake.input.hidden_states).parent)
layers = choose(params.layers, range(1, shape.layers + 1), "analyses.attention_gates.layers")
heads = choose(params.heads, range(1, shape.heads + 1), "analyses.attention_gates.heads")
classes = choose(params.selected_classes, params.classes, "analyses.attention_gates.classes")
rows_of_heads = [head - 1 for head in heads]


def measure():
    for sequence, hidden in labelled_sequences(recorded, classes):
        for layer in layers:
            maps = attention_maps(hidden[layer - 1], weights[layer - 1], shape.heads)[rows_of_heads]
            among_kmers, kmer_mass = kmer_maps(maps)
            sinks = {"raw": 1 - kmer_mass.mean(dim=-1), "kmers": np.nan}
            for variant, chosen in {"raw": maps, "kmers": among_kmers}.items():
                scores = gate_scores(chosen)
                label = gate_labels(scores, params.threshold)
                place = {"layer": layer, "head": heads, "variant": variant}
                yield sequence | place | {"sink": sinks[variant], "label": label} | scores


measurements = measurement_table(measure())
means = class_means(measurements, classes, PLACES, ["sink", *SCORES, *SIMPLEX], params.confidence)
shares = label_shares(measurements, classes, PLACES, "label", params.confidence)
write_parquet(measurements, snakemake.output.sequences)
write_tsv(pd.concat([shares, means]), snakemake.output.table)
