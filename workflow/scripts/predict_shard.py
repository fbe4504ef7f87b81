"""Predict the classes of a shard of a split."""

from spikegeometry.dataset.encoding import open_split
from spikegeometry.logs import configure_logging
from spikegeometry.model.class_space import load_class_space
from spikegeometry.model.classifier import load_classifier
from spikegeometry.model.data import shard_rows
from spikegeometry.model.prediction import predict
from spikegeometry.model.runtime import compile_model, number_format, prepare
from spikegeometry.tables import write_parquet

configure_logging(snakemake.log[0])
params = snakemake.params
device = prepare(params.device, params.threads)
table = open_split(snakemake.input.split)
rows = shard_rows(table.num_rows, int(snakemake.wildcards.shard), params.shards)
model = load_classifier(snakemake.input.model, params.classes, device)
if params.compile:
    compile_model(model)
part, multiplied_in = table.slice(rows.start, rows.stop - rows.start), number_format(params.precision, device)
space = load_class_space(snakemake.input.space, device) if snakemake.input.space else None
predictions = predict(model, part, params.classes, params.batch_size, multiplied_in, space)
write_parquet(predictions, snakemake.output.predictions)
