"""Follow attention from a token of the last layer down to the input tokens of every recorded sequence."""

from spikegeometry.analyses import attention_flow
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
study = study_of_rule(given, params, snakemake.threads, "attention_flow")
results = attention_flow.measure(
    study,
    domains=given.domains,
    source=params.source,
    weights=params.weights,
    residual=params.residual,
    exact_sinks=params.exact_sinks,
    k=params.k,
    stride=params.stride,
    seed=params.seed,
)
write_results(results, snakemake.output)
