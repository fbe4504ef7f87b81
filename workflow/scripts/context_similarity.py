"""Find the similar pairs of k-mers after every head and layer, and what is common to them, in every sequence."""

from spikegeometry.analyses import context_similarity
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
study = study_of_rule(snakemake, "context_similarity")
arguments = arguments_of_rule(context_similarity.measure, snakemake)
write_results(context_similarity.measure(study, **arguments), snakemake.output)
