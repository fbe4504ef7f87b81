"""Encode the gene sequences of a split or of an external set as token ids."""

from spikegeometry.dataset.encoding import Encoder, encode_split
from spikegeometry.dataset.reading import split_members
from spikegeometry.dataset.vocabulary import read_vocabulary
from spikegeometry.logs import configure_logging

configure_logging(snakemake.log[0])
part = snakemake.params.part
encode_split(
    spikes=snakemake.input.spikes,
    members=split_members(snakemake.input.splits, part) if part else None,
    coordinates=snakemake.params.coordinates,
    encoder=Encoder(read_vocabulary(snakemake.input.vocabulary), snakemake.params.stride),
    classes=snakemake.params.classes,
    path=snakemake.output.split,
)
