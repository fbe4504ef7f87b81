"""Reading of the table of spikes in batches."""

import os
from collections.abc import Iterator

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

# Small enough that the arrays of a batch stay in the cache.
BATCH = 512
# Name of the run's own spikes beside those of its external sets.
RUN = "run"


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


def read_sets(
    run: str | os.PathLike, splits: str | os.PathLike, external: dict[str, str | os.PathLike], columns: list[str]
) -> pd.DataFrame:
    """Spikes of the run and of its external sets: the columns, set (`run` or the external set's name), split, input.

    `columns` must hold accession and native. `split` is the external set's name where a spike has none; `input` is a
    number for each native sequence. Of equal sequences of one set, split and class only the first is kept.
    """
    tables = {RUN: run} | external
    spikes = pd.concat(
        [pd.read_parquet(path, columns=columns).assign(set=name) for name, path in tables.items()], ignore_index=True
    )
    split_of = pd.read_parquet(splits, columns=["accession", "split"]).set_index("accession")["split"]
    spikes["split"] = spikes["set"].mask(spikes["set"] == RUN, spikes["accession"].map(split_of))
    spikes["input"] = pd.factorize(spikes["native"])[0]
    return spikes.drop_duplicates(["split", "class", "input"], ignore_index=True)
