"""Spike Geometry: from viral genomes to the geometry of the BERT that classifies them."""

__version__ = "0.1.0"
