"""Measure the weights and LayerNorms of every layer of each model, and map the weights of the fine-tuned one."""

import torch

from spikegeometry.analyses import weight_statistics
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
torch.set_num_threads(snakemake.threads)
arguments = arguments_of_rule(
    weight_statistics.measure, snakemake, models=dict(zip(snakemake.params.models, snakemake.input.models, strict=True))
)
write_results(weight_statistics.measure(**arguments), snakemake.output)
