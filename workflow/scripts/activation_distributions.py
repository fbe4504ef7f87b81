"""Measure how near token vectors are to normal samples, and count the values of the layer outputs."""

from spikegeometry.analyses import activation_distributions
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
study = study_of_rule(snakemake.input, snakemake.params, snakemake.threads, "activation_distributions")
results = activation_distributions.measure(
    study,
    bin_width=snakemake.params.bin_width,
    outlier=snakemake.params.outlier,
    alpha=snakemake.params.alpha,
    site_sequences=snakemake.params.site_sequences,
)
write_results(results, snakemake.output)
