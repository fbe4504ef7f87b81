"""Ask which tokens decide on the class of each sequence, and whether these hold the class's defining mutations."""

from spikegeometry.analyses import attributions
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.model.runtime import prepare
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
study = study_of_rule(given, params, snakemake.threads, "attributions")
results = attributions.measure(
    study,
    vocabulary=given.vocabulary,
    reference=given.reference,
    definitions=given.definitions,
    baselines=params.baselines,
    steps=params.steps,
    residual=params.residual,
    share=params.share,
    cutoffs=params.cutoffs,
    sequences_per_class=params.sequences_per_class,
    insertions=params.insertions,
    gene=params.gene,
    k=params.k,
    stride=params.stride,
    batch_size=params.batch_size,
    device=prepare(params.device, params.threads),
)
write_results(results, snakemake.output)
