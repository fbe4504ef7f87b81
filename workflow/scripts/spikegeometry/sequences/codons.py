"""What a codon is. Snakemake reads this, so that here are no packages but its own."""

CODON = 3  # bases
STOPS = {"TAA", "TAG", "TGA"}
