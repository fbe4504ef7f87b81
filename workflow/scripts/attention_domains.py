"""Measure how much attention goes into each domain of the protein, and test it against turns of the same attention."""

from spikegeometry.analyses import attention_domains
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
study = study_of_rule(snakemake, "attention_domains")
arguments = arguments_of_rule(attention_domains.measure, snakemake)
write_results(attention_domains.measure(study, **arguments), snakemake.output)
