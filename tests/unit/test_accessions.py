"""Accessions in lists that people wrote."""

import gzip

import pytest

from spikegeometry.errors import InputError
from spikegeometry.genomes.accessions import INSDC, read_accessions


def read(tmp_path, data):
    path = tmp_path / "list.txt"
    path.write_bytes(data)
    return read_accessions(path, "source.gisaid.accessions")


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
    assert "line 4 has 'EPIISL_3', which is no accession" in found.rejected[1].rejection.detail


@pytest.mark.parametrize(
    ("text", "wanted", "rejected"),
    [
        ("EPI_ISL_97-99, EPI_ISL_7-EPI_ISL_8 EPI_ISL_1", [97, 98, 99, 7, 8, 1], []),
        ("EPI_ISL_5 - EPI_ISL_6", [5, 6], []),
        ("epi_isl_5\u2013epi_isl_6;EPI_ISL_8 to EPI_ISL_9;EPI_ISL_20..21", [5, 6, 8, 9, 20, 21], []),
        ("EPI_ISL_3-3", [3], []),
        ("EPI_ISL_1\nEPI_ISL_402119-21", [1], ["EPI_ISL_402119-21"]),
        ("EPI_ISL_1\nEPI_ISL_5-\nEPI_ISL_9", [1, 9], ["EPI_ISL_5-"]),
        ("EPI_ISL_1\nEPI_ISL_1-EPI_ISL_900000", [1], ["EPI_ISL_1-EPI_ISL_900000"]),
        ("EPI_ISL_1, EPI_ISL402124, EPI_SET_220815zv", [1], ["EPI_ISL402124", "EPI_SET_220815zv"]),
        ("EPI_ISL_402119, 402120, 402121", [402119], ["402120", "402121"]),
        ("x\tEPI_ISL_402119\t29903\t2020-01-01\nhCoV-19/y/12|EPI_ISL_7|2021-02-03", [402119, 7], []),
        ("Table 1\nid\nEPI_ISL_1", [1], ["id"]),
    ],
)
def test_ranges_stand_for_all_that_are_in_them_and_nothing_is_left_out_silently(tmp_path, text, wanted, rejected):
    found = read(tmp_path, text.encode())
    assert list(found.wanted) == [f"EPI_ISL_{number}" for number in wanted]
    details = [genome.rejection.detail for genome in found.rejected]
    assert len(details) == len(rejected)
    assert all(repr(text) in detail for text, detail in zip(rejected, details, strict=True))


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_other_encodings(tmp_path, encoding):
    assert list(read(tmp_path, "Zürich EPI_ISL_1\n".encode(encoding)).wanted) == ["EPI_ISL_1"]


@pytest.mark.parametrize("data", [b"", b"id\nx\n", b"<html>log in</html>"])
def test_no_accession_at_all(tmp_path, data):
    with pytest.raises(InputError, match=r"list.txt \(source.gisaid.accessions\) holds no accession"):
        read(tmp_path, data)


def test_damage(tmp_path):
    with pytest.raises(InputError, match="truncated or damaged"):
        read(tmp_path, gzip.compress(b"EPI_ISL_1\n")[:-4])


@pytest.mark.parametrize(
    "accession", ["OM990851", "OM990851.1", "U12345", "NC_045512.2", "CAKOIJ010000001", "OX12345678"]
)
def test_insdc(accession):
    assert INSDC.fullmatch(accession)


@pytest.mark.parametrize("accession", ["", "OM99085", "EPI_ISL_1", "../x", "OM990851/1", "OM990851.x", "om990851"])
def test_not_insdc(accession):
    assert not INSDC.fullmatch(accession)
