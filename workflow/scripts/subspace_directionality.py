"""Score the bilinear form of every head and layer of each model, and random forms of the same shape."""

import torch

from spikegeometry.analyses import subspace_directionality
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
params = snakemake.params
torch.set_num_threads(snakemake.threads)
results = subspace_directionality.measure(
    models=dict(zip(params.models, snakemake.input.models, strict=True)),
    layers=params.layers,
    heads=params.heads,
    top=params.top,
    random_forms=params.random_forms,
    confidence=params.confidence,
    seed=params.seed,
)
write_results(results, snakemake.output)
