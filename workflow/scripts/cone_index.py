"""Measure the cone index of the token vectors of every recorded sequence, and of the sequences of every class."""

from spikegeometry.analyses import cone_index
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
study = study_of_rule(snakemake, "cone_index")
arguments = arguments_of_rule(cone_index.measure, snakemake)
write_results(cone_index.measure(study, **arguments), snakemake.output)
