"""Follow attention from a token of the last layer down to the input tokens of every recorded sequence."""

from spikegeometry.analyses import attention_flow
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
study = study_of_rule(snakemake, "attention_flow")
arguments = arguments_of_rule(attention_flow.measure, snakemake)
write_results(attention_flow.measure(study, **arguments), snakemake.output)
