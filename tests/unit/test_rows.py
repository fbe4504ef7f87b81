"""Tables of people and databases: each row stands for itself, in every format and encoding."""

import gzip
import io
import logging

import pytest

from spikegeometry.errors import InputError
from spikegeometry.genomes.rows import MAX_LINE, NoTable, find_columns, is_foreign, read_rows, readable, split_table


def split(data):
    """Header and rows of bytes or text."""
    data = data.encode() if isinstance(data, str) else data
    header, rows = split_table(io.BufferedReader(io.BytesIO(data)), "x")
    return header, list(rows)


def good(data):
    """Fields of the rows that are whole."""
    return [row.fields for row in split(data)[1] if not row.problem]


def broken(data):
    """Lines of the rows that are broken."""
    return [row.line for row in split(data)[1] if row.problem]


@pytest.mark.parametrize("column", range(3))
def test_a_quotation_mark_in_tsv_is_a_letter(column):
    rows = [[f"{letter}{i}" for i in range(3)] for letter in "abcd"]
    rows[0][column], rows[2][column] = '"Ward 7', '12" pipe'
    text = "x\ty\tz\n" + "".join("\t".join(row) + "\n" for row in rows)
    assert good(text) == rows and not broken(text)
    rows[3][column] = 'closed"'
    assert good("x\ty\tz\n" + "".join("\t".join(row) + "\n" for row in rows)) == rows


def test_quotation_marks_of_spreadsheets_in_tsv():
    assert good('a\tb\n"x, y"\t"say ""no"""\n"p\tq"\tr\n""\tz\n') == [["x, y", 'say "no"'], ["p\tq", "r"], ["", "z"]]


def test_a_quotation_mark_in_csv_that_is_not_closed_costs_its_own_row_alone():
    """The second field of g1 would else end in the row of g3, whose class g1 would get."""
    text = 'name,ward,class\ng1,"Ward 7,alpha\ng2,x,beta\ng3,12",delta\ng4,y,mu\n'
    assert good(text) == [["g2", "x", "beta"], ["g3", '12"', "delta"], ["g4", "y", "mu"]]
    assert broken(text) == [2]
    assert broken('name,ward,class\ng1,"Ward 7,alpha\ng3,12",delta\n') == [2]
    assert broken('name,class\ng1,"alpha') == [2]


def test_a_quotation_mark_before_many_short_lines_does_not_take_them_all():
    text = 'name,ward,class\ng1,"Ward 7,alpha\n' + "TOTAL\n" * 10_000 + "g2,x,beta\n"
    assert good(text) == [["g2", "x", "beta"]] and len(broken(text)) > 9_800


def test_fields_of_csv_over_several_lines():
    text = 'name,class,note\ng1,alpha,"one\r\ntwo, three"\r\ng2,"be\nta",x\ng3,mu,\n'
    assert good(text) == [["g1", "alpha", "one two, three"], ["g2", "be ta", "x"], ["g3", "mu", ""]]
    assert [row.line for row in split(text)[1]] == [2, 4, 6]


@pytest.mark.parametrize("row", ['g1,"a"b,alpha', 'g1,"Ward,"7,alpha'])
def test_quotation_marks_of_csv_that_end_within_a_field(row):
    text = f"name,ward,class\n{row}\ng2,x,beta\n"
    assert good(text) == [["g2", "x", "beta"]] and broken(text) == [2]


def test_headers_over_several_lines():
    header, rows = split('"name","Notes; of\nthe lab",class\ng1,x,alpha\n')
    assert header == ["name", "Notes; of the lab", "class"] and rows[0].fields == ["g1", "x", "alpha"]
    assert rows[0].line == 3
    with pytest.raises(InputError, match="quotation mark of its header is not closed"):
        split('name,"class\ng1,alpha\n')


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;\r"])
def test_a_line_that_names_the_delimiter(first):
    assert split(f"{first}\nna,me;class\ng,1;alpha\n")[0] == ["na,me", "class"]


@pytest.mark.parametrize(
    ("row", "line"), [("a", 2), ("a\tb\tc", 2), ("a\tb\t\t", None), ("\t", None), ("", None), ("a\t", None)]
)
def test_number_of_fields(row, line):
    found = split(f"x\ty\n{row}\np\tq\n")[1]
    assert [one.line for one in found if one.problem] == ([line] if line else [])
    assert found[-1].fields == ["p", "q"]
    if line:
        assert found[0].problem == f"{len(row.split(chr(9)))} fields where the header has 2"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(end):
    assert good(end.join(["x\ty", "a\tb", "", "c\td"])) == [["a", "b"], ["c", "d"]]


def test_mixed_line_ends():
    assert good("x\ty\r\na\tb\nc\td\re\tf\r\ng\th") == [["a", "b"], ["c", "d"], ["e", "f"], ["g", "h"]]
    assert good("x\ty\ra\tb\nc\td\r\ne\tf") == [["a", "b"], ["c", "d"], ["e", "f"]]
    assert good("x\ty\na 1\r2\tb\n") == [["a 1 2", "b"]]


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("delimiter", "\t,;")
def test_encodings(encoding, delimiter):
    text = f"name{delimiter}Länge\r\nKüche{delimiter}ü\r\n"
    assert split(text.encode(encoding)) == (["name", "Länge"], [(2, ["Küche", "ü"], f"Küche{delimiter}ü", "")])


def test_tables_that_were_put_together():
    """The header of the second is a row like others."""
    part = "\ufeffx\ty\na\tb\n"
    assert good(part + part) == [["a", "b"], ["x", "y"], ["a", "b"]]


def test_bytes_that_are_no_utf8():
    header, rows = split("a\tb\nx\tCôte\nÜ\ty\n".encode("latin-1"))
    assert [row.foreign for row in rows] == [True, True]
    assert [readable(field) for row in rows for field in row.fields] == ["x", "Côte", "Ü", "y"]
    assert not is_foreign("Côte") and readable("Côte") == "Côte"


def test_a_warning_names_the_first_row_that_is_no_utf8(tmp_path, caplog):
    path = tmp_path / "x.tsv"
    path.write_bytes("a\tb\nx\ty\nx\tCôte\nx\tCôté\n".encode("latin-1"))
    with caplog.at_level(logging.INFO):
        rows = list(read_rows(path, {"first": "a", "second": "b"}, "source.x"))
    assert [row.values["second"] for row in rows] == ["y", "Côte", "Côté"]
    assert [row.foreign for row in rows] == [False, True, True]
    assert "2 rows are not UTF-8, the first on line 3" in caplog.text
    assert "first from 'a', second from 'b'" in caplog.text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\n \r\n", "is empty"),
        (b"\xff\xfe", "is empty"),
        (b"sep=;\n", "is empty"),
        (b"PK\x03\x04 xl/workbook.xml", "is a workbook or a zip file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "is a workbook"),
        (b"%PDF-1.4", "is a PDF"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html>", "is a web page, perhaps for a login"),
        (b"a" * MAX_LINE + b"b", "its line 1 is longer than"),
    ],
)
def test_what_is_no_table(data, words):
    with pytest.raises(NoTable, match=words):
        split(data)


@pytest.mark.parametrize(
    ("header", "names", "position"),
    [
        (["x", "Accession ID"], "Accession ID", 1),
        (["accession_id", "x"], "Accession ID", 0),
        (["x", "ACCESSION  ID?"], ("none", "Accession ID"), 1),
        (["pangolin_lineage", "pango_lineage"], ("pango_lineage", "pangolin_lineage"), 1),
        (["Lineage", "lineage"], "lineage", 1),
        (["lineages"], "lineage", None),
    ],
)
def test_columns(header, names, position):
    assert find_columns(header, {"field": names}, "x").get("field") == position


@pytest.mark.parametrize("header", [["a", "a"], ["A", "a ", "x"]])
def test_a_column_that_is_there_twice(header):
    with pytest.raises(InputError, match="twice"):
        find_columns(header, {"field": "a" if header[0] == "a" else "_a"}, "x")


def test_damage(tmp_path):
    (tmp_path / "x").write_bytes(gzip.compress(b"a\tb\nx\ty\n")[:-3])
    with pytest.raises(InputError, match=r"x \(key\) is truncated or damaged"):
        list(read_rows(tmp_path / "x", {"a": "a"}, "key"))
