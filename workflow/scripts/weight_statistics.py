"""Measure the weights and LayerNorms of every layer of each model, and map the weights of the fine-tuned one."""

import torch

from spikegeometry.analyses import weight_statistics
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
params = snakemake.params
torch.set_num_threads(snakemake.threads)
results = weight_statistics.measure(
    models=dict(zip(params.models, snakemake.input.models, strict=True)),
    layers=params.layers,
    energy_share=params.energy_share,
    map_size=params.map_size,
    rogue_z=params.rogue_z,
    rogue_layers=params.rogue_layers,
)
write_results(results, snakemake.output)
