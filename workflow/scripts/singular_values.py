"""Measure ranks and singular values of the attention, weights, values and outputs of every head, and of the layers."""

from spikegeometry.analyses import singular_values
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
study = study_of_rule(snakemake, "singular_values")
arguments = arguments_of_rule(singular_values.measure, snakemake)
write_results(singular_values.measure(study, **arguments), snakemake.output)
