"""Measure ranks and singular values of the attention, weights, values and outputs of every head, and of the layers."""

from spikegeometry.analyses import singular_values
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
study = study_of_rule(snakemake.input, snakemake.params, snakemake.threads, "singular_values")
results = singular_values.measure(study, threshold=snakemake.params.threshold)
write_results(results, snakemake.output)
