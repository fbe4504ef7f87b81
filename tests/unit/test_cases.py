"""Inputs of kinds that users of tools of this field reported; `tests/data/cases.md` says which and where."""

import pytest

from loopback import File, serving
from reading import CLASSES, GENOMES, collect, fasta, read_table, sequence, write
from spikegeometry.errors import InputError
from spikegeometry.spikes.shards import read_genomes, shard_genomes

ACCESSIONS = [f"EPI_ISL_{900 + number}" for number in range(9)]
VIRUSES = [f"hCoV-19/Testland/T-{number}/2021" for number in range(9)]
LINEAGES = [lineage for _, lineage in GENOMES]
EXPECTED = {accession: name for accession, (name, _) in zip(ACCESSIONS, GENOMES, strict=True)}
DOWNLOAD = ["Virus name", "Accession ID", "Collection date", "Location", "Host", "Pango lineage"]
AUGUR = ["strain", "virus", "gisaid_epi_isl", "date", "country", "pango_lineage", "originating_lab", "submitting_lab"]


def download(changes=(), columns=tuple(DOWNLOAD), names=VIRUSES, accessions=ACCESSIONS):
    """GISAID's metadata of the nine genomes as rows of fields; changes are (row, column, value)."""
    rows = [
        [name, accession, "2021-03-02", "Europe / Testland", "", lineage]
        for name, accession, lineage in zip(names, accessions, LINEAGES, strict=True)
    ]
    for row, column, value in changes:
        rows[row][column] = value
    return "".join("\t".join(row) + "\n" for row in (columns, *rows))


def augur(lineage_column="pango_lineage", lab=None):
    lab = lab or {}
    rows = [
        [name, "ncov", accession, "2021-03-02", "Testland", lineage, lab.get(number, "Lab A"), "Lab B"]
        for number, (name, accession, lineage) in enumerate(zip(VIRUSES, ACCESSIONS, LINEAGES, strict=True))
    ]
    header = [lineage_column if column == "pango_lineage" else column for column in AUGUR]
    return "".join("\t".join(row) + "\n" for row in (header, *rows))


@pytest.fixture
def gisaid(tmp_path):
    def read(metadata, headers=None, **block):
        headers = headers or [f"{name}|2021-03-02|2021-04-01" for name in VIRUSES]
        paths = write(tmp_path, metadata_tsv=metadata, sequences_fasta=fasta(headers))
        return collect(tmp_path, {"gisaid": {"archives": list(paths.values())} | block})

    return read


@pytest.fixture
def table(tmp_path):
    def read(labels, headers, **block):
        paths = write(tmp_path, labels_csv=labels, genomes_fasta=fasta(headers))
        block |= {"sequences": paths["genomes_fasta"], "labels": paths["labels_csv"]}
        return collect(tmp_path, {"table": block})

    return read


def labels(*more, delimiter=",", end="\n"):
    """A table of the genomes g0 to g8 and further lines."""
    rows = [f"g{number}{delimiter}{name}{delimiter}x" for number, (name, _) in enumerate(GENOMES)]
    return end.join([f"name{delimiter}class{delimiter}note", *rows, *more]) + end


NINE = [f"g{number}" for number in range(9)]
CLASS_OF_NINE = {f"g{number}": name for number, (name, _) in enumerate(GENOMES)}


@pytest.mark.parametrize("rows", [[2], [2, 6], [0, 3, 7, 8]])
@pytest.mark.parametrize("column", [0, 3, 4])
def test_gisaid_open_quote(gisaid, rows, column):
    """The rows behind a quotation mark that is not closed are rows of their own."""
    metadata = download([(row, column, '"Ward 7') for row in rows])
    found = gisaid(metadata, [f"x|{accession}|2021" for accession in ACCESSIONS])
    assert found.classes() == EXPECTED and not found.rejected
    assert {row["accession"]: row["lineage"] for row in found.accepted} == dict(zip(ACCESSIONS, LINEAGES, strict=True))
    assert found.sequences == {accession: sequence(number) for number, accession in enumerate(ACCESSIONS)}


def test_gisaid_same_virus_name(gisaid):
    """Accessions identify; a name that two isolates have does not."""
    names = [VIRUSES[0], *VIRUSES[1:4], VIRUSES[0], *VIRUSES[5:]]
    headers = [f"{name}|2021-0{3 + number}-02" for number, name in enumerate(names)]
    found = gisaid(download(names=names), headers)
    assert found.classes() == {a: c for a, c in EXPECTED.items() if a not in ("EPI_ISL_900", "EPI_ISL_904")}
    assert found.reasons() == [(headers[0], "ambiguous_name"), (headers[4], "ambiguous_name")]
    assert "EPI_ISL_900, EPI_ISL_904" in found.rejected[0]["detail"]
    with_accession = [f"{name}|{accession}" for name, accession in zip(names, ACCESSIONS, strict=True)]
    assert gisaid(download(names=names), with_accession).classes() == EXPECTED


@pytest.mark.parametrize("twin", [VIRUSES[0], "hCoV-19/TESTLAND/T_0/2021", "Testland/T 0/2021"])
def test_gisaid_same_virus_name_where_one_is_not_asked_for(gisaid, tmp_path, twin):
    names = [VIRUSES[0].replace("T-", "T "), *VIRUSES[1:4], twin.replace("T-", "T_"), *VIRUSES[5:]]
    (wanted,) = write(tmp_path, wanted_txt="EPI_ISL_900 EPI_ISL_901").values()
    found = gisaid(download(names=names), names, accessions=wanted)
    assert found.classes() == {"EPI_ISL_901": "alpha"}
    assert ("EPI_ISL_900", "missing_sequence") in found.reasons()
    assert [reason for _, reason in found.reasons()].count("ambiguous_name") == 2


def test_gisaid_rows_of_one_accession_that_differ(gisaid):
    again = download([(0, 5, "AY.4"), (1, 3, "Asia / Testland"), (2, 5, "")])
    found = gisaid(download() + "".join(again.splitlines(keepends=True)[1:]))
    assert found.classes() == {a: c for a, c in EXPECTED.items() if a != "EPI_ISL_900"}
    assert found.reasons() == [("EPI_ISL_900", "metadata_conflict")]


def test_gisaid_newline(gisaid):
    """A row that a line break cut is joined, where what follows is no row."""
    found = gisaid(augur(lab={1: "Clinic of the North\nDept 2", 4: "A\nB\nC"}))
    assert found.classes() == EXPECTED and not found.rejected
    rows = augur().splitlines()
    rows[1:3] = ["\t".join(rows[1].split("\t")[:5]), "\t".join(rows[2].split("\t")[:4])]
    assert gisaid("\n".join(rows)).reasons()[:2] == [("metadata.tsv:2", "bad_row"), ("metadata.tsv:3", "bad_row")]
    found = gisaid(augur().replace("\tLab A\tLab B\n", "\n", 2))
    assert found.classes() == {a: c for a, c in EXPECTED.items() if a not in ACCESSIONS[:2]}
    assert found.reasons()[:2] == [("metadata.tsv:2", "bad_row"), ("metadata.tsv:3", "bad_row")]
    assert [reason for _, reason in found.reasons()[2:]] == ["unlabelled"] * 2


@pytest.mark.parametrize("column", ["pangolin_lineage", "Pango Lineage", "LINEAGE", "Pangolin_lineage", "covv_lineage"])
def test_gisaid_old_columns(gisaid, column):
    assert gisaid(augur(column)).classes() == EXPECTED


def test_a_column_that_is_not_there_is_named_and_the_rejected_records_are_there(gisaid, tmp_path, caplog):
    with pytest.raises(InputError, match=r"No genome .* 9 unlabelled.*unusable.tsv"):
        gisaid(augur("my_lineages"))
    rejected = read_table(tmp_path / "unusable.tsv")
    assert [row["accession"] for row in rejected] == ACCESSIONS
    assert "has no column of pango (as covv_lineage, Pango lineage, pangolin_lineage" in rejected[0]["detail"]
    assert not list((tmp_path / "out").iterdir())
    assert gisaid(augur()).classes() == EXPECTED
    assert not (tmp_path / "unusable.tsv").exists()


def test_gisaid_metadata_without_accessions_is_told_of(gisaid, caplog):
    with pytest.raises(InputError, match="9 unlabelled"):
        gisaid(augur().replace("gisaid_epi_isl", "number"))
    assert "metadata.tsv is not read: it has no column of accessions, but strain, virus, number" in caplog.text


@pytest.mark.parametrize("text", ["EPI_ISL_900-904, EPI_ISL_905-EPI_ISL_906\nEPI_ISL_907\nEPI_ISL_908 - EPI_ISL_908"])
def test_gisaid_accession_range(gisaid, tmp_path, text):
    (wanted,) = write(tmp_path, wanted_txt=text).values()
    found = gisaid(download(), [f"x|{accession}" for accession in ACCESSIONS], accessions=wanted)
    assert found.classes() == EXPECTED and not found.rejected


def test_gisaid_latin1_metadata(gisaid, caplog):
    found = gisaid(download([(row, 3, "Africa / Côte d'Essai") for row in range(9)]).encode("latin-1"))
    assert found.classes() == EXPECTED
    assert {row["country"] for row in found.accepted} == {"Côte d'Essai"}
    assert "9 rows are not UTF-8" in caplog.text


@pytest.mark.parametrize(("here", "there"), [(" ", "_"), ("_", " "), (" ", "  ")])
def test_gisaid_space_underscore(gisaid, here, there):
    names = [name.replace("Testland", f"South{here}Testland") for name in VIRUSES]
    headers = [name.replace(here, there) + "|2021-03-02" for name in names]
    assert gisaid(download(names=names), headers).classes() == EXPECTED


def test_names_that_do_not_match_are_shown_beside_each_other(gisaid, tmp_path):
    with pytest.raises(InputError, match="9 unlabelled"):
        gisaid(download(), [f"isolate {number}" for number in range(9)])
    detail = read_table(tmp_path / "unusable.tsv")[0]["detail"]
    assert "'isolate 0'" in detail and "EPI_ISL_900" in detail and VIRUSES[0] in detail


@pytest.mark.parametrize("cut", [1, 3, 5])
def test_gisaid_short_row(gisaid, cut):
    rows = download().splitlines()
    rows[4] = "\t".join(rows[4].split("\t")[:cut])
    found = gisaid("\n".join(rows))
    assert found.classes() == {a: c for a, c in EXPECTED.items() if a != "EPI_ISL_903"}
    assert found.reasons()[0] == ("metadata.tsv:5", "bad_row")
    assert found.rejected[0]["detail"].endswith(f"metadata.tsv line 5: {cut} fields where the header has 6.")


def test_labels_header_quote(table):
    text = labels().replace("name,class,note", '"name","class","Notes\nof the lab"')
    assert table(text, NINE).classes() == CLASS_OF_NINE


def test_labels_latin1(table):
    found = table(labels("hôpital,alpha,x").encode("latin-1"), NINE)
    assert found.classes() == CLASS_OF_NINE
    assert found.reasons() == [("hôpital", "bad_encoding")]
    again = table(labels("hôpital,alpha,x").encode("latin-1"), [*NINE, "hôpital"])
    assert again.classes() == CLASS_OF_NINE and again.reasons() == [("hôpital", "bad_encoding")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_labels_utf16(table, encoding):
    assert table(labels(end="\r\n").encode(encoding), NINE).classes() == CLASS_OF_NINE


def test_labels_sep_line(table):
    assert table("sep=;\r\n" + labels(delimiter=";", end="\r\n"), NINE).classes() == CLASS_OF_NINE


@pytest.mark.parametrize(
    ("line", "rejected"),
    [
        ("TOTAL: 9", ("labels.csv:11", "bad_row")),
        ("g9,alpha,x,y", ("labels.csv:11", "bad_row")),
        (",alpha,x", ("labels.csv:11", "no_name")),
        ('g9,"alpha,x', ("labels.csv:11", "bad_row")),
        ("g9,alpha,x", ("g9", "missing_sequence")),
    ],
)
def test_labels_short_row(table, line, rejected):
    found = table(labels(line), NINE)
    assert found.classes() == CLASS_OF_NINE and found.reasons() == [rejected]


def test_reused_name(table):
    """One name of three classes: its records are rejected, whatever they are."""
    found = table(labels("g0,delta,x", "g0,omicron,x"), [*NINE, "g0|C_AA7.1", "g0|2023"])
    assert found.classes() == {name: class_name for name, class_name in CLASS_OF_NINE.items() if name != "g0"}
    assert found.reasons() == [("g0", "ambiguous_name")] * 3


@pytest.mark.parametrize(("listed", "read"), [("ZZ90000{}", "ZZ90000{}.1 |Severe"), ("ZZ90000{}.1", "ZZ90000{}")])
def test_ncbi_version(table, listed, read):
    names = [listed.format(number) for number in range(9)]
    rows = [f"{name},{lineage}" for name, lineage in zip(names, LINEAGES, strict=True)]
    columns = {"name_column": "Accession", "class_column": None, "lineage_column": "Pangolin"}
    text = "\ufeff" + "\r\n".join(["Accession,Pangolin", *rows])
    found = table(text, [read.format(number) for number in range(9)], **columns)
    assert found.classes() == dict(zip(names, CLASS_OF_NINE.values(), strict=True)) and not found.rejected


def test_nextclade_old_clades(table):
    clades = ["20I/501Y.V1", "20I (Alpha, V1)", "20I", "21J", "21A (Delta)", "20A/S:478K", "21K", "21L (BA.2)", "20A"]
    rows = [f"lab{number}\t{clade}\tgood" for number, clade in enumerate([*clades, "recombinant", "20Z/501Y.V9", ""])]
    text = "\n".join(["seqName\tclade\tqc.overallStatus", *rows])
    columns = {"name_column": "seqName", "class_column": None, "clade_column": "clade"}
    found = table(text, [f"lab{number}" for number in range(12)], **columns)
    names = ["alpha"] * 3 + ["delta"] * 3 + ["omicron"] * 2 + ["other"]
    assert found.classes() == {f"lab{number}": name for number, name in enumerate(names)}
    assert found.reasons() == [("lab9", "unknown_clade"), ("lab10", "unknown_clade"), ("lab11", "unlabelled")]


def test_pangolin_report(table):
    names = ["PHL 22 0/run2/barcode00/medaka MN908947.3", 'PHL 9 note: {"clade": "20A"}', "PHL 10, repeat", "PHL 4"]
    rows = [f'"{name.replace(chr(34), chr(34) * 2)}",{lineage}' for name, lineage in zip(names, LINEAGES, strict=False)]
    text = "\r\n".join(["taxon,lineage", *rows[:3], "PHL 4,Unassigned"])
    columns = {"name_column": "taxon", "class_column": None, "lineage_column": "lineage"}
    found = table(text, names, **columns)
    assert list(found.classes()) == names[:3] and found.reasons() == [("PHL 4", "unlabelled")]


NEXTSTRAIN = "strain\tgenbank_accession\tdate\tcountry\tpango_lineage\tNextstrain_clade\tQC_overall_status\tauthors"


@pytest.fixture
def nextstrain(tmp_path):
    def read(rows, headers, **block):
        write(tmp_path, metadata_tsv="\n".join([NEXTSTRAIN, *rows]), sequences_fasta=fasta(headers))
        block |= {"base_url": tmp_path.as_uri(), "metadata": "metadata.tsv", "sequences": "sequences.fasta"}
        return collect(tmp_path, {"nextstrain": {"per_class": 9} | block})

    return read


def strain(number, lineage, clade, name=None):
    return f"{name or f'S-{number}'}\tZZ80000{number}\t2021-03-02\tTestland\t{lineage}\t{clade}\tgood\tA et al"


def test_nextstrain_recombinant(nextstrain):
    lineages = ["XCT.1", "XDD", "XBF", "XE", "Q.1", "XBC", "XZZZ"]
    rows = [strain(number, lineage, "recombinant") for number, lineage in enumerate(lineages)]
    found = nextstrain(rows, [f"S-{number}" for number in range(7)])
    assert sorted(found.classes().items()) == [
        *((f"ZZ80000{number}", "omicron") for number in range(4)),
        ("ZZ800004", "alpha"),
    ]
    assert found.reasons() == [("ZZ800006", "unknown_lineage")]


def test_nextstrain_short_row(nextstrain):
    rows = [strain(0, "Q.1", "20I"), "S-99\tZZ899999\t2021-03", strain(1, "AY.4", '"21J'), strain(2, "AY.4", "20I")]
    found = nextstrain([*rows, strain(3, "BA.1", "21K"), "\tZZ800007\t\t\tBA.1\t21K\tgood\t"], ["S-0", "S-1", "S-3"])
    assert sorted(found.classes().items()) == [("ZZ800000", "alpha"), ("ZZ800001", "delta"), ("ZZ800003", "omicron")]
    assert found.reasons() == [
        ("metadata.tsv:3", "bad_row"),
        ("ZZ800002", "class_conflict"),
        ("metadata.tsv:7", "no_name"),
    ]


def test_nextstrain_names_of_several_genomes(nextstrain):
    """Also where the other genome of the name is none of the sample, and databases vary the name."""
    rows = [strain(0, "Q.1", "20I", "South Land/1"), strain(1, "B.1", "20A", "South_Land/1"), strain(2, "Q.1", "20I")]
    found = nextstrain(rows, ["South_Land/1", "South Land/1", "s-2"])
    assert found.classes() == {"ZZ800002": "alpha"} and found.reasons() == [("ZZ800000", "ambiguous_name")]


def test_ena_withdrawn(tmp_path):
    """A batch that holds a withdrawn accession is refused as a whole, by whatever status."""
    names = [f"ZZ90000{number}" for number in range(9)]
    rows = [f"{name}\t{lineage}" for name, lineage in zip(names, LINEAGES, strict=True)]
    (path,) = write(tmp_path, accessions_tsv="\n".join(["accession\tlineage", *rows])).values()
    statuses = iter([400, 404, 410, 414, 422] * 9)
    with serving() as server:

        class Archive(dict):
            def get(self, path):
                asked = path.rsplit("/", 1)[1].split(",")
                body = "".join(f">ENA|{name}|{name}.1 x\n{sequence(names.index(name))}\n" for name in asked)
                file = File(body.encode(), kind="text/plain")
                file.statuses = [next(statuses)] * ("ZZ900003" in asked)
                return file

        server.files = Archive()
        block = {"labels": path, "class_column": None, "lineage_column": "lineage", "base_url": server.url("api")}
        found = collect(tmp_path, {"ena": block})
    expected = dict(zip(names, CLASS_OF_NINE.values(), strict=True))
    assert found.classes() == {name: class_name for name, class_name in expected.items() if name != "ZZ900003"}
    assert found.reasons() == [("ZZ900003", "missing_sequence")]


def test_cr_in_header_run(tmp_path):
    """The names pass through every table behind the collection."""
    texts = {name: fasta([f"{name}-{i}\r|2021-0{i}-01" for i in range(3)], 3 * n) for n, name in enumerate(CLASSES)}
    found = collect(tmp_path, {"table": {"sequences": write(tmp_path, **texts)}})
    names = [f"{name}-{i} |2021-0{i}-01" for name in CLASSES for i in range(3)]
    assert list(found.classes()) == names and not found.rejected
    table, shard = tmp_path / "out/accepted.tsv", tmp_path / "shard"
    shard_genomes(tmp_path / "out/accepted.fasta.zst", table, [f"{shard}.fasta.zst"], [f"{shard}.tsv"])
    assert [genome.accession for genome in read_genomes(f"{shard}.fasta.zst", f"{shard}.tsv")] == names


QUERIES = {
    "cr-in-header": (b">a\r|2021-01-01\nACGTACGT\n>b\nACGTAA\n", ["a |2021-01-01", "b"], []),
    "cr-only": (b">a\rACGTACGT\rAC\r>b\rACGTAA\r", ["a", "b"], []),
    "joined": (b">a\nACGTACGT>b\nACGTAA\n", ["a", "b"], []),
    "indented": (b">a\nACGTACGT\n >b\nACGTAA\n", ["a", "b"], []),
    "latin1": (b">a\nACGTACGT\n>H\xf4pital 7\nACGTAA\n", ["a"], [("Hôpital 7", "bad_encoding")]),
    "comment-first": (b"; made by a tool\n>a\nACGTACGT\n", ["a"], []),
    "headers-only": (b">a\n>b\n", [], [("a", "empty"), ("b", "empty")]),
    "names": (b'>n\0ul\nACGTACGT\n>tab\tname\nACGTAA\n>"quoted\nACGTAC\n>\nACGTTT\n', None, [("", "no_name")]),
}


@pytest.mark.parametrize("name", QUERIES)
def test_queries(tmp_path, name):
    data, accepted, rejected = QUERIES[name]
    (path,) = write(tmp_path, query_fasta=data).values()
    found = collect(tmp_path, {"query": {"sequences": path}})
    names = list(found.classes())
    assert names == (["n\0ul", "tab\tname", '"quoted'] if accepted is None else accepted)
    assert found.reasons() == rejected


def test_line_breaks_in_names_of_a_table_stay_in_their_row(table):
    text = 'note,name,class\nx,"g0\r\nx",alpha\nx,"a\rb",alpha\nx,g1,alpha\n'
    found = table(text, ["g1", "a b"])
    assert found.classes() == {"g1": "alpha", "a b": "alpha"}
    assert found.reasons() == [("g0 x", "missing_sequence")]
