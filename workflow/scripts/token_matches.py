"""Find the k-mers that the masked model takes for one another, and what they have in common."""

from spikegeometry.analyses import token_matches
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
arguments = arguments_of_rule(token_matches.measure, snakemake)
write_results(token_matches.measure(**arguments), snakemake.output)
