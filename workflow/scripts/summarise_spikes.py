"""Count lengths, coverage, deletions and insertions of the gene in each class."""

from spikegeometry.logs import configure_logging
from spikegeometry.spikes.summary import summarise_spikes
from spikegeometry.tables import write_tsv

configure_logging(snakemake.log[0])
values, indels = summarise_spikes(snakemake.input.spikes)
write_tsv(values, snakemake.output.values)
write_tsv(indels, snakemake.output.indels)
