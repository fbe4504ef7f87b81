"""Measure how the classes lie apart in [CLS] and mean k-mers of every layer, and in the outputs of the classifier."""

from pathlib import Path

import torch

from spikegeometry.analyses import clustering
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
torch.set_num_threads(snakemake.threads)
results = clustering.measure(
    model=given.model,
    activations=Path(given.hidden_states).parent,
    split=given.split,
    all_classes=params.classes,
    layers=params.layers,
    classes=params.selected_classes,
    sequences_per_class=params.sequences_per_class,
    components=params.components,
    neighbours=params.neighbours,
    min_cluster_size=params.min_cluster_size,
    perplexity=params.perplexity,
    umap_neighbours=params.umap_neighbours,
    confidence=params.confidence,
    seed=params.seed,
)
write_results(results, snakemake.output)
