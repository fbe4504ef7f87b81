"""Put the activations of all shards together."""

from pathlib import Path

from spikegeometry.dataset.encoding import open_split
from spikegeometry.logs import configure_logging
from spikegeometry.model.assembly import gather_attention, gather_tokens, gather_vectors
from spikegeometry.model.data import EncodedRows
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
output = snakemake.output
shards = [Path(shard) for shard in snakemake.input.shards]
sequences = read_tsv(snakemake.input.sequences)
gather_vectors(shards, sequences, output.cls, output.hidden_states)
gather_tokens(EncodedRows(open_split(snakemake.input.test)), sequences, output.tokens)
gather_attention(shards, sequences, output.attention)
