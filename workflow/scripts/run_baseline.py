"""Predict every evaluated set with a baseline."""

from spikegeometry.dataset.predictions import prediction_table
from spikegeometry.evaluation.baselines import KmerLogistic, Majority, read_sequences
from spikegeometry.evaluation.neighbours import NearestNeighbour
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_parquet

configure_logging(snakemake.log[0])
given, params, name = snakemake.input, snakemake.params, snakemake.wildcards.baseline
by_spikes, fitted = name == "nearest_neighbour", None
if name == "kmer_logistic":
    baseline = fitted = KmerLogistic.load(given.fitted)
else:
    baseline = NearestNeighbour(params.analysed_per_class, params.seed) if by_spikes else Majority()
    baseline.fit(read_sequences(given.train, spikes=given.spikes if by_spikes else None), len(params.classes))
for split, spikes, predictions in zip(given.sets, given.set_spikes, snakemake.output, strict=True):
    sequences = read_sequences(split, kmers_of=fitted, spikes=spikes if by_spikes else None)
    write_parquet(prediction_table(sequences.rows, baseline.predict(sequences), params.classes), predictions)
