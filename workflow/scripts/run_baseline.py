"""Fit a baseline on the training split and predict every evaluated set with it."""

from spikegeometry.dataset.predictions import prediction_table
from spikegeometry.dataset.vocabulary import read_vocabulary
from spikegeometry.evaluation.baselines import BASELINES, read_sequences
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_parquet

configure_logging(snakemake.log[0])
classes = snakemake.params.classes
vocabulary_size = len(read_vocabulary(snakemake.input.vocabulary))
train = read_sequences(snakemake.input.train, snakemake.input.spikes, vocabulary_size)
validation = read_sequences(snakemake.input.validation, snakemake.input.spikes, vocabulary_size)
baseline = BASELINES[snakemake.wildcards.baseline]().fit(train, validation, len(classes))
paths = zip(snakemake.input.sets, snakemake.input.set_spikes, snakemake.output, strict=True)
for split, spikes, predictions in paths:
    sequences = read_sequences(split, spikes, vocabulary_size)
    write_parquet(prediction_table(sequences.rows, baseline.predict(sequences), classes), predictions)
