"""Tell each class from the rest by the tokens in a few slots: the most attended, the most telling, random ones."""

from spikegeometry.analyses import one_vs_all
from spikegeometry.logs import configure_logging
from spikegeometry.model.runtime import prepare
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
results = one_vs_all.measure(
    model=given.model,
    train=given.train,
    test=given.test,
    vocabulary=given.vocabulary,
    all_classes=params.classes,
    classes=params.selected_classes,
    sequences_per_class=params.sequences_per_class,
    analysed_per_class=params.analysed_per_class,
    positions=params.positions,
    random_draws=params.random_draws,
    residual=params.residual,
    steps=params.steps,
    learning_rate=params.learning_rate,
    k=params.k,
    stride=params.stride,
    bootstrap=params.bootstrap,
    confidence=params.confidence,
    device=prepare("cpu", snakemake.threads),
    seed=params.seed,
)
write_results(results, snakemake.output)
