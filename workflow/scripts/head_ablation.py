"""Switch off each head and each layer's attention, and then as many heads as the classifier can go without."""

from spikegeometry.analyses import head_ablation
from spikegeometry.analyses.tables.ablation import Intervals
from spikegeometry.logs import configure_logging
from spikegeometry.model.runtime import prepare
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
results = head_ablation.measure(
    model=given.model,
    splits={"train": given.train, "validation": given.validation, "test": given.test},
    all_classes=params.classes,
    layers=params.layers,
    heads=params.heads,
    classes=params.selected_classes,
    modes=params.modes,
    sequences_per_class=params.sequences_per_class,
    steps=params.steps,
    random_orders=params.random_orders,
    how=Intervals(params.bootstrap, params.confidence, params.permutations, params.seed),
    shards=params.shards,
    batch_size=params.batch_size,
    device=prepare(params.device, params.threads),
)
write_results(results, snakemake.output)
