"""Fit a readout after every block of the masked model, and read hidden k-mers of the test split with it."""

from spikegeometry.analyses import masked_kmers
from spikegeometry.logs import configure_logging
from spikegeometry.model.runtime import prepare
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
results = masked_kmers.measure(
    model=given.model,
    train=given.train,
    test=given.test,
    classes=params.classes,
    train_sequences_per_class=params.train_sequences_per_class,
    sequences_per_class=params.sequences_per_class,
    spans=params.spans,
    rounds=params.rounds,
    mask_probability=params.mask_probability,
    batch_size=params.batch_size,
    device=prepare(params.device, params.threads),
    seed=params.seed,
)
write_results(results, snakemake.output)
