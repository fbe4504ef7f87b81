"""Measure how near token vectors are to normal samples, and count the values of the layer outputs."""

from spikegeometry.analyses import activation_distributions
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
study = study_of_rule(snakemake, "activation_distributions")
arguments = arguments_of_rule(activation_distributions.measure, snakemake)
write_results(activation_distributions.measure(study, **arguments), snakemake.output)
