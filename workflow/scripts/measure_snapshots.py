"""Measure a network at the snapshots of its training."""

from spikegeometry.analyses import snapshots
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.model.runtime import prepare
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
device = prepare(snakemake.params.device, snakemake.params.threads)
arguments = arguments_of_rule(snapshots.measure, snakemake, device=device)
write_results(snapshots.measure(**arguments), snakemake.output)
