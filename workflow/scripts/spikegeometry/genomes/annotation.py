"""Genes of a reference genome and the parts of their proteins, from an annotation in GFF3."""

import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from spikegeometry.errors import InputError
from spikegeometry.sequences.codons import CODON, STOPS

# Attributes that may hold the name of a feature, the first one first.
NAMES = ("Name", "gene_name", "gene", "standard_name", "locus_tag", "ID", "product")
GENES = ("CDS", "gene")
GENBANK = "LOCUS "  # how its records begin
PARTS = {
    *("mature_protein_region", "mature_protein_region_of_CDS", "mat_peptide", "signal_peptide", "sig_peptide"),
    *("signal_peptide_region_of_CDS", "polypeptide_domain", "polypeptide_region", "Region", "region"),
}
# Parts of a gene of which nothing is known: as many equal windows.
WINDOWS = 10


logger = logging.getLogger(__name__)


class Feature(NamedTuple):
    """A feature of an annotation, bases 1-based and both included, from its first whole codon on."""

    kind: str
    name: str
    start: int
    end: int
    strand: str
    line: int
    identity: str  # its ID, which the rows of a joined feature share


class Part(NamedTuple):
    """A part of a protein, residues 1-based and both included."""

    name: str
    start: int
    end: int


def read_annotation(path: str | os.PathLike) -> list[Feature]:
    """The named features of a GFF3 file, in its order. Raises InputError where it is none."""
    features = []
    text = Path(path).read_text(encoding="utf-8-sig", errors="replace").partition("\n##FASTA")[0]
    if text.startswith(GENBANK):
        raise InputError(
            f"Config key reference.annotation: {path} is a record of GenBank.\n"
            "Give the record's annotation in GFF3: NCBI offers it beside GenBank, where a record is sent to a file."
        )
    for number, row in enumerate(text.splitlines(), 1):
        if not row.strip() or row.startswith("#"):
            continue
        columns = row.split("\t")
        if len(columns) != 9 or not (columns[3].isdecimal() and columns[4].isdecimal()):
            raise InputError(
                f"Config key reference.annotation: {path} line {number} is no row of GFF3.\n"
                "GFF3 has nine columns, with the first and the last base in the fourth and the fifth."
            )
        pairs = (entry.partition("=") for entry in columns[8].split(";"))
        found = {key.strip(): unquote(value.strip()) for key, _, value in pairs}
        name = next((found[key] for key in NAMES if found.get(key)), "")
        if name:
            # A gene that begins within a codon has that codon's rest before its first whole one.
            phase = int(columns[7]) if columns[7] in ("1", "2") and columns[6] != "-" else 0
            place = int(columns[3]) + phase, int(columns[4])
            features.append(Feature(columns[2], name, *place, columns[6], number, found.get("ID", "")))
    if not features:
        raise InputError(f"Config key reference.annotation: {path} names no feature.\nGive an annotation in GFF3.")
    return features


def gene_names(features: Iterable[Feature]) -> list[str]:
    """Names of the genes, in their order."""
    return list(dict.fromkeys(feature.name for feature in features if feature.kind in GENES))


def find_gene(features: list[Feature], name: str, path: str | os.PathLike) -> Feature:
    """The gene of a name: its CDS, or the gene itself where the annotation has no CDS of that name.

    Raises InputError, naming the genes that there are, where there is none or are several, and where it is joined of
    several parts or on the reverse strand, which this workflow does not read.
    """
    where = f"Config key reference.gene: {path}"
    called = [feature for feature in features if feature.name == name]
    found = next((rows for kind in GENES if (rows := [one for one in called if one.kind == kind])), [])
    if not found:
        raise InputError(f"{where} has no gene {name}.\nIt has: {', '.join(gene_names(features))}.")
    gene, *others = found
    lines = ", ".join(str(one.line) for one in found)
    if others and gene.identity and all(one.identity == gene.identity for one in others):
        raise InputError(
            f"{where} joins {name} from {len(found)} parts (lines {lines}), as for ribosomal slippage.\n"
            "Such a gene is not read; give reference.start and reference.end of one of its parts, without annotation."
        )
    if others and len({(one.start, one.end, one.strand) for one in found}) > 1:
        raise InputError(
            f"{where} has {len(found)} genes called {name} (lines {lines}).\n"
            "Give reference.start and reference.end of the one that is meant, without annotation."
        )
    if gene.strand == "-":
        raise InputError(
            f"{where} has {name} on the reverse strand.\nGive the reverse complement of the genome and its annotation."
        )
    return gene


def protein_length(genome: str, reference: dict) -> int:
    """Residues of the protein of the gene at `start`..`end` (1-based, both included), without a stop at its end.

    Raises InputError where the gene leaves the genome, has a codon that is not whole, or a stop before its end. Of a
    gene that an annotation places, such a stop counts as a residue: the genome may be a reconstructed ancestor's.
    """
    start, end, path = reference["start"], reference["end"], reference["fasta"]
    place = f"Config keys reference.start and reference.end: bases {start} to {end} of {path}"
    advice = "Give the first base of the gene's first codon and the last base of its last one."
    if end > len(genome):
        raise InputError(f"{place}, which has the bases 1 to {len(genome)}.\n{advice}")
    gene = genome[start - 1 : end]
    if len(gene) % CODON:
        raise InputError(f"{place} are {len(gene)} bases, no multiple of {CODON}.\n{advice}")
    codons = [gene[at : at + CODON] for at in range(0, len(gene), CODON)]
    stop = next((number for number, codon in enumerate(codons, 1) if codon in STOPS), len(codons) + 1)
    if stop < len(codons):
        if not reference["annotation"]:
            raise InputError(f"{place} are no gene: codon {stop} of {len(codons)} is a stop.\n{advice}")
        logger.warning("%s: codon %d of %d is a stop; the gene is taken to its end.", place, stop, len(codons))
    return len(codons) - (codons[-1] in STOPS)


def parts_of_gene(features: Iterable[Feature], start: int, end: int, residues: int) -> list[Part]:
    """Parts that partition the protein of the gene at bases `start`..`end`: those of the annotation, else windows.

    Mature peptides, signal peptides and regions that lie within the gene and in its frame count, and so do other genes
    there, as HA1 in HA. The shortest ones come first, and what overlaps those is left out. What no part covers is named
    by its residues.
    """
    inside = [
        Part(one.name, (one.start - start) // CODON + 1, min((one.end - start + 1) // CODON, residues))
        for one in features
        if start <= one.start <= one.end <= end and (one.start, one.end) != (start, end)
        if (one.kind in PARTS or one.kind in GENES) and (one.start - start) % CODON == 0
    ]
    taken: list[Part] = []
    for part in sorted(inside, key=lambda one: (one.end - one.start, one.start)):
        free = all(part.end < other.start or part.start > other.end for other in taken)
        if free and part.start <= part.end and part.name not in {other.name for other in taken}:
            taken.append(part)
    if not taken:
        return windows(residues)
    parts, done = [], 0
    for part in sorted(taken, key=lambda one: one.start):
        if part.start > done + 1:
            parts.append(_by_residues(done + 1, part.start - 1))
        parts.append(part)
        done = part.end
    if done < residues:
        parts.append(_by_residues(done + 1, residues))
    return parts


def windows(residues: int) -> list[Part]:
    """WINDOWS parts of a protein of about the same size, named by their residues."""
    count = min(WINDOWS, residues)
    borders = [round(number * residues / count) for number in range(count + 1)]
    return [_by_residues(first + 1, last) for first, last in zip(borders, borders[1:], strict=False)]


def _by_residues(first: int, last: int) -> Part:
    return Part(f"{first}-{last}", first, last)
