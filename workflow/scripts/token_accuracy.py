"""Score how hidden k-mers were read: accuracy per token along the blocks, and against the label's confidence."""

from spikegeometry.analyses import token_accuracy
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
results = token_accuracy.measure(
    targets=given.targets,
    clusters=given.clusters,
    vocabulary=given.vocabulary,
    train=given.train,
    test=given.test,
    predictions=given.predictions,
    classes=params.classes,
    min_targets=params.min_targets,
    frequent=params.frequent,
    taus=params.taus,
    bootstrap=params.bootstrap,
    confidence=params.confidence,
    seed=params.seed,
)
write_results(results, snakemake.output)
