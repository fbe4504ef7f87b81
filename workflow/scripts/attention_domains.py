"""Measure how much attention goes into each domain of the protein, and test it against turns of the same attention."""

from spikegeometry.analyses import attention_domains
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
study = study_of_rule(given, params, snakemake.threads, "attention_domains")
results = attention_domains.measure(
    study,
    spikes=given.spikes,
    domains=given.domains,
    regions=given.regions,
    threshold=params.threshold,
    permutations=params.permutations,
    coordinates=params.coordinates,
    k=params.k,
    stride=params.stride,
    seed=params.seed,
)
write_results(results, snakemake.output)
