"""The table of domains, and what share of a k-mer lies in each."""

import numpy as np
import pandas as pd
import pytest

from spikegeometry.dataset.domains import domain_shares, domain_slots, read_domains
from spikegeometry.dataset.kmers import kmer_starts
from spikegeometry.errors import InputError
from spikegeometry.tables import write_tsv


def table(*rows):
    return pd.DataFrame(rows, columns=["name", "start", "end"])


def test_shares_of_kmers():
    # Codons 1-2 and 3-5: k-mers of four codons, three apart, hold 2 + 2 codons, then 0 + 2, and 2 past the end.
    bases = kmer_starts(24, 12, 9)[:, None] + 1 + np.arange(12)
    shares = domain_shares(table(("a", 1, 2), ("b", 3, 5)), bases)
    assert shares.tolist() == [[0.5, 0.5], [0, 0.5]]


def test_shares_sum_to_one_in_a_partition():
    bases = kmer_starts(300, 10, 7)[:, None] + 1 + np.arange(10)
    assert domain_shares(table(("a", 1, 37), ("b", 38, 100)), bases).sum(axis=1) == pytest.approx(1)


def test_borders_on_the_axis_of_kmers():
    # k-mer t is centred on base 9 (t - 1) + 6; residue 1 starts at base 0, residue 4 ends at base 12 (ends between).
    slots = domain_slots(table(("a", 1, 4)), 12, 9)
    assert slots[["first", "last"]].to_numpy().tolist() == [[1 - 6 / 9, 1 + 6 / 9]]


def test_table_is_read_in_order(tmp_path):
    write_tsv(table(("b", 5, 9), ("a", 1, 4)), tmp_path / "domains.tsv")
    assert read_domains(tmp_path / "domains.tsv")["name"].tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("domains", "message"),
    [
        (table(("a", 1, 4), ("b", 4, 9)), "b and the domain before it share residue 4"),
        (table(("a", 5, 4)), "a goes from 5 to 4"),
        (table(("a", 0, 4)), "a goes from 0 to 4"),
        (table(("a", 1, 4), ("a", 5, 9)), "two domains are called a"),
        (table(("a", 1, 4)).drop(columns="end"), "a column of name, start, end is missing"),
    ],
)
def test_bad_tables(tmp_path, domains, message):
    write_tsv(domains, tmp_path / "domains.tsv")
    with pytest.raises(InputError, match=f"domains.tsv: {message}.*\n.*reference.domains"):
        read_domains(tmp_path / "domains.tsv")
