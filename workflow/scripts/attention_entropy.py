"""Measure how widely the attention of every head is spread, in every recorded sequence and in the means of classes."""

from spikegeometry.analyses import attention_entropy
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
study = study_of_rule(given, params, snakemake.threads, "attention_entropy")
results = attention_entropy.measure(
    study, attention=given.attention, mass=params.mass, histogram_bins=params.histogram_bins
)
write_results(results, snakemake.output)
