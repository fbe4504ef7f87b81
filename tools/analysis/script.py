"""Measure new_analysis of the recorded sequences."""

from spikegeometry.analyses import new_analysis
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
study = study_of_rule(snakemake, "new_analysis")
arguments = arguments_of_rule(new_analysis.measure, snakemake)
write_results(new_analysis.measure(study, **arguments), snakemake.output)
