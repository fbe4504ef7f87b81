"""From bases to residues."""

import numpy as np

from spikegeometry.sequences.codons import CODON

# The standard genetic code with the bases of each position in the order T, C, A, G.
_BASES = "TCAG"
_AMINO_ACIDS = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
_BASE_CODES = np.full(256, len(_BASES), dtype=np.uint8)
_BASE_CODES[list(_BASES.encode())] = range(len(_BASES))
_GENETIC_CODE = np.full((5, 5, 5), ord("X"), dtype=np.uint8)
_GENETIC_CODE[:4, :4, :4] = np.frombuffer(_AMINO_ACIDS.encode(), dtype=np.uint8).reshape(4, 4, 4)


def translate(sequence: str) -> str:
    """Protein of the whole codons of a sequence: `*` for a stop, X for a codon with anything but A, C, G, T."""
    codes = _BASE_CODES[np.frombuffer(sequence.encode(), dtype=np.uint8)]
    codons = codes[: len(codes) // CODON * CODON].reshape(-1, CODON)
    return _GENETIC_CODE[tuple(codons.T)].tobytes().decode()
