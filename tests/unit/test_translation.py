"""Translation, against the genetic code by hand."""

import pytest

from spikegeometry.sequences.translation import translate


@pytest.mark.parametrize(
    ("sequence", "protein"),
    [
        ("ATGTTTGTTTTTCTTGTTTTATTGCCACTAGTC", "MFVFLVLLPLV"),  # the spike's first residues
        ("TAATAGTGATGG", "***W"),
        ("ATGNNNATRA-GAAAC", "MXXXK"),  # ambiguous, gap; the last base is no codon
        ("", ""),
        ("AT", ""),
    ],
)
def test_translate(sequence, protein):
    assert translate(sequence) == protein


def test_translate_every_codon():
    """By amino acid, the other way round than the table of the code."""
    numbers = zip("ACDEFGHIKLMNPQRSTVWY*", "422224232612426644123", strict=True)
    degeneracy = {amino_acid: int(number) for amino_acid, number in numbers}
    codons = [a + b + c for a in "ACGT" for b in "ACGT" for c in "ACGT"]
    translated = translate("".join(codons))
    assert {amino_acid: translated.count(amino_acid) for amino_acid in set(translated)} == degeneracy
