"""Substitutions of residues: which codons can stand for an amino acid."""

from functools import cache
from itertools import product

from spikegeometry.sequences.codons import CODON
from spikegeometry.sequences.translation import translate

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"


@cache
def nearest_codons(own: str) -> dict[str, tuple[str, ...]]:
    """Codons of each of the AMINO_ACIDS that differ from the codon `own` in the fewest bases, in alphabetical order.

    The amino acid of `own` has `own` alone.
    """
    codons = ["".join(bases) for bases in product("ACGT", repeat=CODON)]
    found = {}
    for amino_acid in AMINO_ACIDS:
        synonymous = [codon for codon in codons if translate(codon) == amino_acid]
        fewest = min(changed_bases(own, codon) for codon in synonymous)
        found[amino_acid] = tuple(codon for codon in synonymous if changed_bases(own, codon) == fewest)
    return found


def changed_bases(one: str, other: str) -> int:
    """How many symbols of two texts of one length differ."""
    return sum(a != b for a, b in zip(one, other, strict=True))
