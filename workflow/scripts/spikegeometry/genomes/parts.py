"""The parts of the gene's protein that the analyses tell apart: a user's tables, or what the annotation says."""

import logging
import os

import pandas as pd

from spikegeometry.genomes.annotation import Part, parts_of_gene, protein_length, read_annotation, windows
from spikegeometry.genomes.fasta import read_single
from spikegeometry.tables import read_tsv

logger = logging.getLogger(__name__)


def protein_parts(
    fasta: str | os.PathLike,
    start: int,
    end: int,
    annotation: str | os.PathLike | None,
    domains: str | os.PathLike | None,
    regions: str | os.PathLike | None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Domains, which partition the protein, and regions: name, start, end (1-based residues, both included).

    `start`..`end` (1-based bases, both included) is the gene in the genome `fasta`. Without a table of domains these
    come from the annotation, or are windows of equal length; without one of regions there are none.
    """
    if domains:
        found = read_tsv(domains)
    else:
        genome = read_single(fasta).sequence.upper()
        residues = protein_length(genome, {"start": start, "end": end, "fasta": fasta, "annotation": annotation})
        parts = parts_of_gene(read_annotation(annotation), start, end, residues) if annotation else windows(residues)
        logger.info("No table of domains: %s", ", ".join(f"{part.name} ({part.start}-{part.end})" for part in parts))
        found = pd.DataFrame(parts, columns=Part._fields)
    return found, read_tsv(regions) if regions else pd.DataFrame(columns=Part._fields)
