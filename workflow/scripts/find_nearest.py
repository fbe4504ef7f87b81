"""Find the training sequence that is nearest to each genome of a query."""

import pandas as pd

from spikegeometry.dataset.reading import StoredTexts, spike_batches
from spikegeometry.evaluation.neighbours import nearest
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_parquet

configure_logging(snakemake.log[0])
given = snakemake.input
known = pd.read_parquet(given.known)
batches = [batch.to_pandas() for batch in spike_batches(given.spikes, ["accession"])]
spikes = StoredTexts(
    text for batch in spike_batches(given.spikes, ["projected"]) for text in batch["projected"].to_pylist()
)
found = nearest(known["projected"].tolist(), spikes)
which = known.iloc[found.pop("place")].reset_index(drop=True)
names = pd.concat(batches, ignore_index=True) if batches else pd.DataFrame({"accession": []})
which = which[["accession", "class"]].rename(columns={"accession": "nearest", "class": "nearest_class"})
write_parquet(pd.concat([names, which, found.add_prefix("nearest_")], axis=1), snakemake.output.nearest)
