"""How the classes lie apart in [CLS] and mean k-mers of every layer, and in the outputs of the classifier."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from spikegeometry.analyses.tables.separability import separability_table
from spikegeometry.dataset.encoding import number_rows, open_split
from spikegeometry.dataset.samples import distinct_sample
from spikegeometry.errors import check_finite
from spikegeometry.geometry import clustering, readout
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import progress
from spikegeometry.model.weights import read_head, read_shape
from spikegeometry.stats.summaries import measurement_table
from spikegeometry.tables import read_tsv


def measure(
    model: str,
    activations: str | Path,
    split: str,
    classes: Sequence[str],
    layers: Sequence[int],
    selected_classes: Sequence[str],
    sequences_per_class: int,
    components: int,
    neighbours: int,
    min_cluster_size: int,
    perplexity: float,
    umap_neighbours: int,
    confidence: float,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Silhouettes, neighbours and clusters of distinct sequences in each representation; layer 0 is the embeddings.

    Parameters
    ----------
    model: folder. activations: folder of what was recorded of it. split: the encoded split that was recorded.
    classes: names in the order of the outputs. layers, selected_classes: to be measured; all where none is named.
    sequences_per_class: distinct ones that are drawn. components: principal components that are kept.
    neighbours: of the k-NN vote. min_cluster_size: of HDBSCAN. perplexity: of t-SNE. umap_neighbours: of UMAP.

    Returns
    -------
    table: statistics by class, site and layer, with intervals. sequences: of each sequence. components: shares of the
    variance. maps: coordinates in two and three dimensions, of some representations.
    """
    last = read_shape(model).layers
    numbers = [0, *choose(layers, range(1, last + 1), "analyses.clustering.layers")]
    classes = choose(selected_classes, classes, "analyses.clustering.classes")
    cls, hidden = (np.load(Path(activations, f"{name}.npy"), mmap_mode="r") for name in ("cls", "hidden_states"))
    sequences = read_tsv(Path(activations, "sequences.tsv"))
    sequences["input"] = number_rows(open_split(split))[sequences["index"]]
    chosen = distinct_sample(sequences, classes, sequences_per_class, seed)
    recorded = distinct_sample(sequences[sequences["recorded"] >= 0], classes, sequences_per_class, seed)
    means = clustering.mean_kmers(hidden, recorded["recorded"], recorded["length"], numbers)
    outputs = readout.classifier_outputs(torch.from_numpy(cls[chosen.index, last]), read_head(model))
    places = [
        *(("cls", layer, chosen, cls[chosen.index, layer]) for layer in numbers),
        *(("kmers", layer, recorded, means[:, number]) for number, layer in enumerate(numbers)),
        *((site, None, chosen, vectors.numpy()) for site, vectors in outputs.items()),
    ]
    shares: list[pd.DataFrame] = []
    drawn: list[pd.DataFrame] = []
    mapped = {("kmers", 0), ("cls", numbers[len(numbers) // 2]), ("cls", numbers[-1])}

    def measured() -> Iterator[dict]:
        for site, layer, rows, vectors in progress(places, "representations", len(places)):
            check_finite(np.isfinite(vectors).all(axis=1), rows["accession"], f"{site}, layer {layer}")
            parts = clustering.principal_components(clustering.standardise(vectors), components)
            labels = pd.Index(classes).get_indexer(rows["class"])
            found = clustering.separation(parts.scores, labels, neighbours, min_cluster_size, seed)
            place = {"site": site, "layer": layer}
            labelled = {"class": rows["class"], "sequence": rows["accession"], "correct": rows["correct"]}
            near = [classes[int(label)] if label >= 0 else "" for label in found.neighbours]
            yield labelled | place | {"silhouette": found.silhouettes, "neighbour": near} | found.clusters
            shares.append(pd.DataFrame(place | {"component": np.arange(len(parts.shares)) + 1, "share": parts.shares}))
            if (site, layer) in mapped:
                points = clustering.maps(parts.scores, perplexity, umap_neighbours, seed)
                drawn.extend(pd.DataFrame(labelled | place | method) for method in points)

    measurements = measurement_table(measured())
    return {
        "table": separability_table(measurements, classes, confidence),
        "sequences": measurements,
        "components": pd.concat(shares),
        "maps": pd.concat(drawn),
    }
