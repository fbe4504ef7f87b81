"""Test whether more attention is paid to the positions that define a class than to others like them."""

from spikegeometry.analyses import attention_positions
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
study = study_of_rule(snakemake, "attention_positions")
arguments = arguments_of_rule(attention_positions.measure, snakemake)
write_results(attention_positions.measure(study, **arguments), snakemake.output)
