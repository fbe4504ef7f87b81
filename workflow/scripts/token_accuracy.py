"""Score how hidden k-mers were read: accuracy per token along the blocks, and against the label's confidence."""

from spikegeometry.analyses import token_accuracy
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
arguments = arguments_of_rule(token_accuracy.measure, snakemake)
write_results(token_accuracy.measure(**arguments), snakemake.output)
