"""Choose the test sequences whose hidden states are kept."""

import pandas as pd

from spikegeometry.dataset.encoding import number_rows, open_split
from spikegeometry.logs import configure_logging
from spikegeometry.model.data import EncodedRows
from spikegeometry.model.recording import select
from spikegeometry.tables import write_tsv

configure_logging(snakemake.log[0])
params, test = snakemake.params, open_split(snakemake.input.test)
sequences = select(
    pd.read_parquet(snakemake.input.predictions, columns=["accession", "class", "predicted", "correct"]),
    EncodedRows(test).lengths,
    number_rows(test),
    params.classes,
    params.sequences_per_class,
    params.correct_only,
    params.seed,
    params.test_per_class,
)
write_tsv(sequences, snakemake.output.sequences)
