"""The shipped domains cut the spike protein into parts without gap or overlap."""

from pathlib import Path

import pytest

from spikegeometry.tables import read_tsv

DOMAINS = Path(__file__).resolve().parents[2] / "resources" / "spike_domains.tsv"
LENGTH = 1273

# Share of the 424 whole tokens of 12 bases, 9 apart, that lies in each domain; from the analyses' specification.
TOKEN_SHARES = {
    "SP": 0.0100,
    "NTD": 0.2294,
    "N2R": 0.0100,
    "RBD": 0.1757,
    # The part between RBD and FP, 0.1934, by names.
    "SD1": 0.0383,
    "SD2": 0.0708,
    "S1/S2": 0.0041,
    "UH": 0.0802,
    "FP": 0.0147,
    "FPPR": 0.0825,
    "HR1": 0.0572,
    # And between HR1 and HR2, 0.1403.
    "CH": 0.0395,
    "CD": 0.1008,
    "HR2": 0.0389,
    "TM": 0.0189,
    "CT": 0.0289,
}


@pytest.fixture(scope="module")
def domains():
    return read_tsv(DOMAINS)


def test_partition(domains):
    assert domains["name"].is_unique
    residues = [r for start, end in zip(domains["start"], domains["end"], strict=True) for r in range(start, end + 1)]
    assert residues == list(range(1, LENGTH + 1))


def test_token_shares(domains):
    # Token t (1-based) covers the codons 3t-2 .. 3t+1, a quarter of it each.
    codons = [codon for t in range(1, 425) for codon in range(3 * t - 2, 3 * t + 2)]
    shares = {
        row.name: sum(row.start <= c <= row.end for c in codons) / len(codons)
        for row in domains.itertuples(index=False)
    }
    assert shares == pytest.approx(TOKEN_SHARES, abs=5e-5)
