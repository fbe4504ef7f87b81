"""Measure how widely the attention of every head is spread, in every recorded sequence and in the means of classes."""

from spikegeometry.analyses import attention_entropy
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
study = study_of_rule(snakemake, "attention_entropy")
arguments = arguments_of_rule(attention_entropy.measure, snakemake)
write_results(attention_entropy.measure(study, **arguments), snakemake.output)
