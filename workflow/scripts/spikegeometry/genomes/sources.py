"""What every source of genomes yields."""

from typing import NamedTuple

from spikegeometry.genomes.cleaning import Rejection


class Genome(NamedTuple):
    """A genome of a source, not yet cleaned. Text is empty where the source does not know it."""

    accession: str
    class_name: str
    sequence: str | None  # None where the source names the genome but has no record of it
    founder: str = ""  # of a simulated genome; of a tip the subtree that it is held out with
    rule: str = ""  # what gave the class: `column`, `file`, or kind and pattern of class rules
    date: str = ""  # of collection, as the source writes it
    country: str = ""
    lineage: str = ""  # Pango
    rejection: Rejection | None = None  # why the source itself refuses it
