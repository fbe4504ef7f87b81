"""Encode the gene sequences of a split or of an external set as token ids."""

import pandas as pd

from spikegeometry.dataset.encoding import Encoder, encode_split
from spikegeometry.dataset.vocabulary import read_vocabulary
from spikegeometry.logs import configure_logging

configure_logging(snakemake.log[0])
members = None
if not snakemake.params.external:
    splits = pd.read_parquet(snakemake.input.splits, columns=["accession", "split"])
    members = splits.loc[splits["split"] == snakemake.wildcards.split, "accession"]
encode_split(
    spikes=snakemake.input.spikes,
    members=members,
    coordinates=snakemake.params.coordinates,
    encoder=Encoder(read_vocabulary(snakemake.input.vocabulary), snakemake.params.stride),
    classes=snakemake.params.classes,
    path=snakemake.output.split,
)
