"""Patch activations at the slots of the mutations that define a class, and cut attention to them."""

from spikegeometry.analyses import mutation_patching
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.model.runtime import prepare
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
device = prepare(snakemake.params.device, snakemake.params.threads)
arguments = arguments_of_rule(mutation_patching.measure, snakemake, device=device)
write_results(mutation_patching.measure(**arguments), snakemake.output)
