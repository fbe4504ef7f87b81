"""Measure how the classes lie apart in [CLS] and mean k-mers of every layer, and in the outputs of the classifier."""

import numpy as np
import pandas as pd
import torch

from spikegeometry.dataset.encoding import number_rows, open_split
from spikegeometry.errors import check_finite
from spikegeometry.evaluation.separability import distinct_sample, separability_table
from spikegeometry.evaluation.summaries import measurement_table
from spikegeometry.geometry import clustering, readout
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import configure_logging, progress
from spikegeometry.model.weights import read_head, read_shape
from spikegeometry.tables import read_tsv, write_parquet, write_tsv

configure_logging(snakemake.log[0])
params = snakemake.params
torch.set_num_threads(snakemake.threads)
last = read_shape(snakemake.input.model).layers
layers = [0, *choose(params.layers, range(1, last + 1), "analyses.clustering.layers")]
classes = choose(params.selected_classes, params.classes, "analyses.clustering.classes")
cls = np.load(snakemake.input.cls, mmap_mode="r", allow_pickle=False)
hidden = np.load(snakemake.input.hidden_states, mmap_mode="r", allow_pickle=False)
sequences = read_tsv(snakemake.input.sequences)
sequences["input"] = number_rows(open_split(snakemake.input.split))[sequences["index"]]
chosen = distinct_sample(sequences, classes, params.sequences_per_class, params.seed)
recorded = distinct_sample(sequences[sequences["recorded"] >= 0], classes, params.sequences_per_class, params.seed)
means = clustering.mean_kmers(hidden, recorded["recorded"], recorded["length"], layers)
outputs = readout.classifier_outputs(torch.from_numpy(cls[chosen.index, last]), read_head(snakemake.input.model))
places = [
    *(("cls", layer, chosen, cls[chosen.index, layer]) for layer in layers),
    *(("kmers", layer, recorded, means[:, number]) for number, layer in enumerate(layers)),
    *((site, None, chosen, vectors.numpy()) for site, vectors in outputs.items()),
]
shares, drawn, mapped = [], [], {("kmers", 0), ("cls", layers[len(layers) // 2]), ("cls", layers[-1])}


def measure():
    for site, layer, rows, vectors in progress(places, "representations", len(places)):
        check_finite(np.isfinite(vectors).all(axis=1), rows["accession"], f"{site}, layer {layer}")
        parts = clustering.principal_components(clustering.standardise(vectors), params.components)
        labels = pd.Index(classes).get_indexer(rows["class"])
        found = clustering.separation(parts.scores, labels, params.neighbours, params.min_cluster_size, params.seed)
        place = {"site": site, "layer": layer}
        labelled = {"class": rows["class"], "sequence": rows["accession"], "correct": rows["correct"]}
        near = [classes[int(label)] if label >= 0 else "" for label in found.neighbours]
        yield labelled | place | {"silhouette": found.silhouettes, "neighbour": near} | found.clusters
        shares.append(pd.DataFrame(place | {"component": np.arange(len(parts.shares)) + 1, "share": parts.shares}))
        if (site, layer) in mapped:
            points = clustering.maps(parts.scores, params.perplexity, params.umap_neighbours, params.seed)
            drawn.extend(pd.DataFrame(labelled | place | method) for method in points)


measurements = measurement_table(measure())
write_tsv(separability_table(measurements, classes, params.confidence), snakemake.output.table)
write_tsv(pd.concat(shares), snakemake.output.components)
write_parquet(measurements, snakemake.output.sequences)
write_parquet(pd.concat(drawn), snakemake.output.maps)
