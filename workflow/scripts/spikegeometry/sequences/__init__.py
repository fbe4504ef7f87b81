"""Genes and proteins as texts: translation, and how mutations are written."""
