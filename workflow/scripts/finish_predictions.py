"""Add to the predictions of a split whether the classifier abstains, and what the source says of each genome."""

import csv

import pyarrow as pa
import pyarrow.parquet as pq

from spikegeometry.errors import InputError
from spikegeometry.evaluation.abstention import Outputs, read_abstention
from spikegeometry.logs import configure_logging
from spikegeometry.tables import ROWS_IN_MEMORY, write_batches

KNOWN = ["date", "country", "lineage"]
ADDED = [
    ("score", pa.float64()),
    ("margin", pa.float64()),
    ("abstain", pa.bool_()),
    *((name, pa.string()) for name in KNOWN),
]

configure_logging(snakemake.log[0])
given = snakemake.input
rule = read_abstention(given.rule)
predictions = pq.ParquetFile(given.predictions)
schema = pa.schema([*predictions.schema_arrow.remove_metadata(), *(pa.field(*added) for added in ADDED)])


def finished(genomes):
    """Batches of the finished table. Genomes stand in the order of the predictions, with others between them."""
    for batch in predictions.iter_batches(ROWS_IN_MEMORY, use_threads=False):
        table = batch.to_pandas()
        outputs = Outputs.of_table(table, rule.classes)
        of_batch = []
        for accession in table["accession"]:
            known = next((genome for genome in genomes if genome["accession"] == accession), None)
            if known is None:
                raise InputError(f"{given.genomes} does not hold the genomes of {given.predictions} in their order.")
            of_batch.append(known)
        added = {name: [genome[name] for genome in of_batch] for name in KNOWN}
        margin = rule.margins(outputs)
        table = table.assign(score=rule.scores(outputs), margin=margin, abstain=margin < 0, **added)
        yield pa.RecordBatch.from_pandas(table, schema, preserve_index=False)


with open(given.genomes, encoding="utf-8", newline="") as file:
    write_batches(finished(csv.DictReader(file, delimiter="\t")), schema, snakemake.output.predictions)
