"""Score the bilinear form of every head and layer of each model, and random forms of the same shape."""

import torch

from spikegeometry.analyses import subspace_directionality
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
torch.set_num_threads(snakemake.threads)
arguments = arguments_of_rule(
    subspace_directionality.measure,
    snakemake,
    models=dict(zip(snakemake.params.models, snakemake.input.models, strict=True)),
)
write_results(subspace_directionality.measure(**arguments), snakemake.output)
