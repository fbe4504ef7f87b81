"""Protein domains: their table, and what share of each k-mer lies in each."""

import os

import numpy as np
import pandas as pd

from spikegeometry.dataset.kmers import token_bases, token_residues
from spikegeometry.errors import InputError
from spikegeometry.sequences.codons import CODON
from spikegeometry.tables import read_tsv

COLUMNS = ["name", "start", "end"]


def read_domains(path: str | os.PathLike) -> pd.DataFrame:
    """The table of domains in their order: name, start, end (1-based residues, both included).

    Raises InputError where a column is missing or two domains share a name or a residue.
    """
    table = read_tsv(path)
    advice = "Config key reference.domains names a table with the columns name, start, end (1-based residues)."
    if not set(COLUMNS) <= set(table):
        raise InputError(f"{path}: a column of {', '.join(COLUMNS)} is missing.\n{advice}")
    if not all(pd.api.types.is_integer_dtype(table[place]) for place in ("start", "end") if len(table)):
        raise InputError(f"{path}: a start or an end is no whole number.\n{advice}")
    domains = table[COLUMNS].sort_values("start", ignore_index=True)
    reached = 0
    for row in domains.itertuples(index=False):
        if not 1 <= row.start <= row.end:
            raise InputError(f"{path}: {row.name} goes from {row.start} to {row.end}.\n{advice}")
        if row.start <= reached:
            raise InputError(f"{path}: {row.name} and the domain before it share residue {row.start}.\n{advice}")
        reached = row.end
    twice = domains["name"][domains["name"].duplicated()]
    if len(twice):
        raise InputError(f"{path}: two domains are called {twice.iloc[0]}.\n{advice}")
    return domains


def read_parts(domains: str | os.PathLike, regions: str | os.PathLike) -> pd.DataFrame:
    """The domains and, after them, the larger regions that overlap them: name, start, end as in `read_domains`.

    Raises InputError where a region has the name of a domain.
    """
    tables = [read_domains(domains), read_domains(regions)]
    shared = set(tables[0]["name"]) & set(tables[1]["name"])
    if shared:
        raise InputError(
            f"{regions}: {min(shared)} is a domain in {domains}.\nGive each region of reference.regions its own name."
        )
    return pd.concat(tables, ignore_index=True)


def domain_shares(domains: pd.DataFrame, bases: np.ndarray) -> np.ndarray:
    """Share of the bases of each k-mer that lies in each domain: (n, D) for the places `bases` (n, k) of its bases.

    Bases are 1-based in the gene. What lies in no domain, as the stop codon, is missing from the sum of a row.
    """
    residues = (np.asarray(bases) - 1) // CODON + 1
    inside = [(residues >= row.start) & (residues <= row.end) for row in domains.itertuples(index=False)]
    return np.stack([share.mean(axis=1) for share in inside], axis=1)


def domains_of_kmers(domains: pd.DataFrame, kmers: int, k: int, stride: int) -> pd.DataFrame:
    """`domain_shares` of the first `kmers` k-mers of a sequence; columns are the domains that have any of them."""
    first, _ = token_bases(np.arange(1, kmers + 1), k, stride)
    shares = pd.DataFrame(domain_shares(domains, first[:, None] + np.arange(k)), columns=domains["name"])
    return shares.loc[:, shares.any()]


def token_places(domains: pd.DataFrame, kmers: int, k: int, stride: int) -> pd.DataFrame:
    """Where the first `kmers` k-mers lie: token (1-based), first_residue, last_residue, and domain.

    domain is the one that holds most of the k-mer, the first of several; empty where none holds any.
    """
    token = np.arange(1, kmers + 1)
    first, last = token_residues(token, k, stride)
    shares = domains_of_kmers(domains, kmers, k, stride)
    domain = np.where(shares.any(axis=1), shares.idxmax(axis=1), "") if shares.shape[1] else ""
    return pd.DataFrame({"token": token, "first_residue": first, "last_residue": last, "domain": domain})


def domain_slots(domains: pd.DataFrame, k: int, stride: int) -> pd.DataFrame:
    """The domains with `first` and `last`: their borders on an axis where k-mer t (1-based) is centred on t."""
    first, last = ((base - k / 2) / stride + 1 for base in (CODON * (domains["start"] - 1), CODON * domains["end"]))
    return domains.assign(first=first, last=last)


def residue_places(domains: pd.DataFrame) -> pd.DataFrame:
    """The domains with `first` and `last`: their borders on an axis of residues."""
    return domains.assign(first=domains["start"] - 0.5, last=domains["end"] + 0.5)
