"""Find the similar pairs of k-mers after every head and layer, and what is common to them, in every sequence."""

from spikegeometry.analyses import context_similarity
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
study = study_of_rule(given, params, snakemake.threads, "context_similarity")
results = context_similarity.measure(
    study,
    vocabulary=given.vocabulary,
    domains=given.domains,
    top=params.top,
    sensitivity=params.sensitivity,
    cosine=params.cosine,
    overlapping=params.overlapping,
    maps=params.maps,
    k=params.k,
    stride=params.stride,
)
write_results(results, snakemake.output)
