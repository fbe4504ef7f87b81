"""Reading of the table of spikes in batches."""

import os
from collections.abc import Iterator

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

# Small enough that the arrays of a batch stay in the cache.
BATCH = 512


def spike_batches(
    spikes: str | os.PathLike, columns: list[str], members: pd.Series | None = None
) -> Iterator[pa.RecordBatch]:
    """Columns of a table of spikes, batch by batch in its order; with `members`, only the rows of those accessions."""
    wanted = None if members is None else pa.array(members.tolist(), type=pa.string())
    read = columns if wanted is None or "accession" in columns else ["accession", *columns]
    for batch in pq.ParquetFile(spikes).iter_batches(BATCH, columns=read):
        if wanted is not None:
            batch = batch.filter(pc.is_in(batch.column("accession").cast(pa.string()), value_set=wanted))
        if batch.num_rows:
            yield batch.select(columns)
