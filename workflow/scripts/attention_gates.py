"""Score the attention patterns of every head in every recorded sequence, and name the heads by them."""

from spikegeometry.analyses import attention_gates
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
study = study_of_rule(snakemake, "attention_gates")
arguments = arguments_of_rule(attention_gates.measure, snakemake)
write_results(attention_gates.measure(study, **arguments), snakemake.output)
