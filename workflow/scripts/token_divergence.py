"""Count the tokens that differ from the reference's, native and projected, and ask what they say about the class."""

from spikegeometry.analyses import token_divergence
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
results = token_divergence.measure(
    spikes=given.spikes,
    splits=given.splits,
    external=dict(zip(params.external, given.external, strict=True)),
    reference=given.reference,
    gene=(params.start, params.end),
    all_classes=params.classes,
    classes=params.selected_classes,
    sequences_per_class=params.sequences_per_class,
    analysed_per_class=params.analysed_per_class,
    shuffles=params.shuffles,
    k=params.k,
    stride=params.stride,
    confidence=params.confidence,
    seed=params.seed,
)
write_results(results, snakemake.output)
