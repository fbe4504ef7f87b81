"""Amino acids in the order in which figures and pages show them."""

# By the chemistry of their side chains.
SIDE_CHAINS = {"charged": "KRHDE", "polar": "STNQ", "special": "CGP", "hydrophobic": "AVLIMFWY"}
AMINO_ACIDS = "".join(SIDE_CHAINS.values())
