"""Fit the linear baseline on k-mers."""

from spikegeometry.dataset.vocabulary import read_vocabulary
from spikegeometry.evaluation.baselines import KmerLogistic, common_kmers, read_sequences
from spikegeometry.logs import configure_logging

configure_logging(snakemake.log[0])
given = snakemake.input
baseline = KmerLogistic(common_kmers(given.train, len(read_vocabulary(given.vocabulary))))
train, validation = (read_sequences(split, kmers_of=baseline) for split in (given.train, given.validation))
baseline.fit(train, validation, len(snakemake.params.classes)).save(snakemake.output.baseline)
