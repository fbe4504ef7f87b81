"""Find the training sequence that is nearest to each genome of a query."""

from collections.abc import Iterator

import pandas as pd

from spikegeometry.dataset.reading import StoredTexts, spike_batches
from spikegeometry.evaluation.neighbours import nearest
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_parquet

configure_logging(snakemake.log[0])
given = snakemake.input
known = pd.read_parquet(given.known)
names: list[str] = []


def projected() -> Iterator[str]:
    for batch in spike_batches(given.spikes, ["accession", "projected"]):
        accessions, sequences = (column.to_pylist() for column in batch.columns)
        names.extend(accessions)
        yield from sequences


found = nearest(known["projected"].tolist(), StoredTexts(projected()))
which = known.iloc[found.pop("place")].reset_index(drop=True)
which = which[["accession", "class"]].rename(columns={"accession": "nearest", "class": "nearest_class"})
write_parquet(
    pd.concat([pd.Series(names, name="accession", dtype=str), which, found.add_prefix("nearest_")], axis=1),
    snakemake.output.nearest,
)
