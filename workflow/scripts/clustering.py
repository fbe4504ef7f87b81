"""Measure how the classes lie apart in [CLS] and mean k-mers of every layer, and in the outputs of the classifier."""

from pathlib import Path

import torch

from spikegeometry.analyses import clustering
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
torch.set_num_threads(snakemake.threads)
arguments = arguments_of_rule(clustering.measure, snakemake, activations=Path(snakemake.input.hidden_states).parent)
write_results(clustering.measure(**arguments), snakemake.output)
