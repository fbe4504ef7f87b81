"""Accessions in lists that people wrote."""

import gzip

import pytest

from spikegeometry.errors import InputError
from spikegeometry.genomes.accessions import GISAID, INSDC, read_accessions


def read(tmp_path, data, pattern=GISAID):
    path = tmp_path / "list.txt"
    path.write_bytes(data)
    return read_accessions(path, pattern, "source.gisaid.accessions")


@pytest.mark.parametrize(
    "data",
    [
        b"EPI_ISL_1\nEPI_ISL_22\n",
        b"\xef\xbb\xbfAccession ID\r\nEPI_ISL_1\r\n\r\nEPI_ISL_22",
        b"# of the paper\nname\tid\nx\tEPI_ISL_1\ny\tEPI_ISL_22\n",
        b"EPI_ISL_1, EPI_ISL_22,EPI_ISL_1\n",
        b"  epi_isl_1  \n\tEPI_ISL_22;EPI_ISL_22\n",
        b"hCoV-19/x/2020|EPI_ISL_1|2020-01-01\nhCoV-19/y/2020|EPI_ISL_22|2020\n",
        gzip.compress(b"EPI_ISL_1\nEPI_ISL_22\n"),
    ],
)
def test_lists(tmp_path, data):
    found = read(tmp_path, data)
    assert list(found.wanted) == ["EPI_ISL_1", "EPI_ISL_22"] and found.rejected == []


def test_junk_is_rejected_by_line(tmp_path):
    found = read(tmp_path, b"id\nEPI_ISL_1\nEPI_ISL_\nEPIISL_3\nXEPI_ISL_4\n# EPI comment\n")
    assert list(found.wanted) == ["EPI_ISL_1"]
    assert [genome.accession for genome in found.rejected] == ["list.txt:3", "list.txt:4", "list.txt:5"]
    assert "line 4 has no accession: 'EPIISL_3'" in found.rejected[1].rejection.detail


@pytest.mark.parametrize("data", [b"", b"id\nx\n", b"<html>log in</html>"])
def test_no_accession_at_all(tmp_path, data):
    with pytest.raises(InputError, match=r"list.txt \(source.gisaid.accessions\) holds no accession"):
        read(tmp_path, data)


def test_damage(tmp_path):
    with pytest.raises(InputError, match="truncated or damaged"):
        read(tmp_path, gzip.compress(b"EPI_ISL_1\n")[:-4])
    with pytest.raises(InputError, match="not UTF-8"):
        read(tmp_path, b"EPI_ISL_1 \xff\n")


@pytest.mark.parametrize(
    "accession", ["OM990851", "OM990851.1", "U12345", "NC_045512.2", "CAKOIJ010000001", "OX12345678"]
)
def test_insdc(accession):
    assert INSDC.fullmatch(accession)


@pytest.mark.parametrize("accession", ["", "OM99085", "EPI_ISL_1", "../x", "OM990851/1", "OM990851.x", "om990851"])
def test_not_insdc(accession):
    assert not INSDC.fullmatch(accession)
