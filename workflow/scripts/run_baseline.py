"""Fit a baseline on the training split and predict every evaluated set with it."""

from spikegeometry.dataset.predictions import prediction_table
from spikegeometry.dataset.vocabulary import read_vocabulary
from spikegeometry.evaluation.baselines import (
    BASELINES,
    NearestNeighbour,
    Sequences,
    common_kmers,
    read_kmers,
    read_projected,
    read_rows,
)
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_parquet

configure_logging(snakemake.log[0])
given, params, name = snakemake.input, snakemake.params, snakemake.wildcards.baseline
if name == "kmer_logistic":
    common = common_kmers(given.train, len(read_vocabulary(given.vocabulary)))


def read(split, spikes):
    """What the baseline needs of a split, and no more."""
    rows = read_rows(split)
    return Sequences(
        rows,
        kmers=read_kmers(split, common) if name == "kmer_logistic" else None,
        projected=read_projected(spikes, rows) if name == "nearest_neighbour" else (),
    )


if name == "nearest_neighbour":
    baseline = NearestNeighbour(params.analysed_per_class, params.seed)
else:
    baseline = BASELINES[name]()
train, validation = (read(split, given.spikes) for split in (given.train, given.validation))
baseline.fit(train, validation, len(params.classes))
for split, spikes, predictions in zip(given.sets, given.set_spikes, snakemake.output, strict=True):
    sequences = read(split, spikes)
    write_parquet(prediction_table(sequences.rows, baseline.predict(sequences), params.classes), predictions)
