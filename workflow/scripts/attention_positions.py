"""Test whether more attention is paid to the positions that define a class than to others like them."""

from spikegeometry.analyses import attention_positions
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
study = study_of_rule(given, params, snakemake.threads, "attention_positions")
results = attention_positions.measure(
    study,
    reference=given.reference,
    spikes=given.spikes,
    splits=given.splits,
    domains=given.domains,
    definitions=given.definitions,
    share=params.share,
    draws=params.draws,
    coordinates=params.coordinates,
    gene=params.gene,
    k=params.k,
    stride=params.stride,
    analysed_per_class=params.analysed_per_class,
    seed=params.seed,
)
write_results(results, snakemake.output)
