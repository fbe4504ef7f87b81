"""Learn from the training split which mutations define the classes."""

from spikegeometry.dataset.definitions import learn_definitions, symbol_shares
from spikegeometry.genomes.fasta import read_single
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_tsv

configure_logging(snakemake.log[0])
params, given = snakemake.params, snakemake.input
gene = read_single(given.reference).sequence.upper()[params.start - 1 : params.end]
shares = symbol_shares(given.spikes, given.splits, params.classes, len(gene))
write_tsv(
    learn_definitions(shares, gene, params.start, params.classes, params.share),
    snakemake.output.definitions,
)
