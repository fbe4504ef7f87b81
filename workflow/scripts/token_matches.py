"""Find the k-mers that the masked model takes for one another, and what they have in common."""

from spikegeometry.analyses import token_matches
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
results = token_matches.measure(
    targets=given.targets,
    vocabulary=given.vocabulary,
    train=given.train,
    test=given.test,
    taus=params.taus,
    min_targets=params.min_targets,
    stride=params.stride,
    bootstrap=params.bootstrap,
    confidence=params.confidence,
    seed=params.seed,
)
write_results(results, snakemake.output)
