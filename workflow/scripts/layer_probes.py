"""Read the class out of every block of the fine-tuned model: linear readouts, and the classifier's head fitted anew."""

from spikegeometry.analyses import layer_probes
from spikegeometry.logs import configure_logging
from spikegeometry.model.runtime import prepare
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
results = layer_probes.measure(
    model=given.model,
    train=given.train,
    validation=given.validation,
    sets=dict(zip(params.sets, given.sets, strict=True)),
    references=layer_probes.by_set(params.sets, params.references, given.references),
    classes=list(params.classes),
    sequences_per_class=params.sequences_per_class,
    evaluated_per_class=params.evaluated_per_class,
    batch_size=params.batch_size,
    bootstrap=params.bootstrap,
    confidence=params.confidence,
    device=prepare(params.device, params.threads),
    seed=params.seed,
)
write_results(results, snakemake.output)
