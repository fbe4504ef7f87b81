"""What every source of genomes yields."""

from typing import NamedTuple


class Genome(NamedTuple):
    """A genome of a source, not yet cleaned."""

    accession: str
    class_name: str  # empty where the source knows none
    sequence: str | None  # None where the source names the genome but has no record of it
    founder: str = ""  # of a simulated genome
