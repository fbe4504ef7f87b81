"""Record the activations of the fine-tuned model on a shard of the test split."""

from spikegeometry.dataset.encoding import open_split, take_rows
from spikegeometry.logs import configure_logging
from spikegeometry.model.classifier import load_classifier
from spikegeometry.model.data import EncodedRows, shard_rows
from spikegeometry.model.recording import record
from spikegeometry.model.runtime import prepare
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
params = snakemake.params
device = prepare(params.device, params.threads)
sequences = read_tsv(snakemake.input.sequences)
own = sequences[shard_rows(len(sequences), int(snakemake.wildcards.shard), params.shards)]
table = take_rows(open_split(snakemake.input.test), own["index"].to_numpy())
record(
    load_classifier(snakemake.input.model, params.classes, device, attention="eager"),
    EncodedRows(table),
    own.reset_index(drop=True),
    sequences["length"].max(),
    params.batch_size,
    snakemake.output.shard,
)
