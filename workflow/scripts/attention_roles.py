"""Name the heads by the classes of Kovaleva et al. in every recorded sequence, and measure what special tokens get."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from spikegeometry.evaluation.findings import findings_table
from spikegeometry.evaluation.head_roles import layer_means, modal_roles, role_findings
from spikegeometry.evaluation.summaries import class_means, label_shares, labelled_sequences, measurement_table
from spikegeometry.geometry.attention_roles import PATTERNS, ROLES, role_labels, role_scores
from spikegeometry.geometry.heads import attention_maps, kmer_maps
from spikegeometry.geometry.patterns import SHARES, gate_scores, special_shares
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
layers = choose(params.layers, range(1, shape.layers + 1), "analyses.attention_roles.layers")
heads = choose(params.heads, range(1, shape.heads + 1), "analyses.attention_roles.heads")
classes = choose(params.selected_classes, params.classes, "analyses.attention_roles.classes")
rows_of_heads = [head - 1 for head in heads]


def measure():
    for sequence, hidden in labelled_sequences(recorded, classes):
        for layer in layers:
            maps = attention_maps(hidden[layer - 1], weights[layer - 1], shape.heads)[rows_of_heads]
            shares = {"raw": special_shares(maps), "kmers": dict.fromkeys(SHARES, np.nan)}
            for variant, chosen in {"raw": maps, "kmers": kmer_maps(maps)[0]}.items():
                scores = role_scores(gate_scores(chosen))
                place = {"layer": layer, "head": heads, "variant": variant, "role": role_labels(scores)}
                yield sequence | place | scores | shares[variant]


measurements = measurement_table(measure())
means = class_means(measurements, classes, PLACES, [*ROLES, *SHARES], params.confidence)
shares = label_shares(measurements, classes, PLACES, "role", params.confidence)
by_layer = layer_means(measurements, classes, ROLES, SHARES, params.confidence)
findings = role_findings(measurements, PATTERNS, shape.layers, params.confidence)
write_parquet(measurements, snakemake.output.sequences)
write_tsv(findings_table(findings), snakemake.output.findings)
write_tsv(pd.concat([shares, modal_roles(shares, ROLES), means, by_layer]), snakemake.output.table)
