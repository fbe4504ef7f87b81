"""Measure the norms of queries, keys, values, outputs and inputs of every head, against their bounds."""

from spikegeometry.analyses import vector_norms
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
study = study_of_rule(snakemake, "vector_norms")
arguments = arguments_of_rule(vector_norms.measure, snakemake)
write_results(vector_norms.measure(study, **arguments), snakemake.output)
