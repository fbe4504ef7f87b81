"""Fit a probe after every block of the masked model, and read hidden k-mers of the test split with it."""

from spikegeometry.analyses import masked_kmers
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.model.runtime import prepare
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
arguments = arguments_of_rule(
    masked_kmers.measure, snakemake, device=prepare(snakemake.params.device, snakemake.params.threads)
)
write_results(masked_kmers.measure(**arguments), snakemake.output)
