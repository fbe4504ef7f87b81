"""Measure how evenly the token vectors of every layer use the directions of their space."""

from spikegeometry.analyses import isotropy
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
study = study_of_rule(snakemake, "isotropy")
arguments = arguments_of_rule(isotropy.measure, snakemake)
write_results(isotropy.measure(study, **arguments), snakemake.output)
