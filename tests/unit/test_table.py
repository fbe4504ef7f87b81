"""The source `table`: labels, names and the real genomes as they are."""

import gzip

import pytest

from checkout import ROOT
from spikegeometry.errors import InputError
from spikegeometry.genomes.classification import read_class_rules
from spikegeometry.genomes.cleaning import Rejection
from spikegeometry.genomes.labels import read_table_labels
from spikegeometry.genomes.names import Names
from spikegeometry.genomes.sources import Genome
from spikegeometry.genomes.table import read_table


@pytest.fixture
def labels(tmp_path):
    """Read labels from bytes."""

    def read(data, name_column="name", class_column="class", renamed=None, suffix="tsv"):
        path = tmp_path / f"labels.{suffix}"
        path.write_bytes(data)
        table = {"labels": path, "name_column": name_column, "class_column": class_column, "classes": renamed or {}}
        return read_table_labels(table, None, "source.table")

    return read


def classes(labels):
    assert labels.rejected == []
    return {name: label.class_name for name, label in labels.by_name.items()}


@pytest.mark.parametrize(
    "data",
    [
        b"name\tclass\na b\talpha\nc\tbeta\n",
        b"name,class\na b,alpha\nc,beta\n",
        b"name;class\na b;alpha\nc;beta\n",
        b"\xef\xbb\xbfname\tclass\r\na b\talpha\r\n\r\nc\tbeta\r\n",
        b'class,remark,name\n"alpha","one, two",a b\nbeta,,c\n',
        b"name\tclass\na b\talpha\nc\tbeta\nc\tbeta\n\t\n",
        gzip.compress(b"name\tclass\na b\talpha\nc\tbeta\n"),
    ],
)
def test_tables(labels, data):
    assert classes(labels(data)) == {"a b": "alpha", "c": "beta"}


def test_columns_and_classes_are_renamed(labels):
    data = b"strain,pango\nx,B.1.1.7\ny,delta\nz,\n"
    found = labels(data, "strain", "pango", {"B.1.1.7": "alpha"})
    assert classes(found) == {"x": "alpha", "y": "delta", "z": ""}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", r"labels.tsv \(source.table.labels\) is empty"),
        (b"name\tclass\n", "has a header but no row"),
        (b"strain\tclass\na\tb\n", r"\(source.table.labels\) has no column 'name' \(name_column\). .*strain, class"),
        (b"name\tlineage\na\tb\n", r"\(source.table.labels\) has no column 'class' \(class_column\)"),
        (b"name\tclass\tclass\na\talpha\tbeta\n", r"has the column 'class' \(class_column\) twice"),
        (gzip.compress(b"name\tclass\na\talpha\n")[:-3], "truncated or damaged"),
    ],
)
def test_broken_tables(labels, data, words):
    with pytest.raises(InputError, match=words):
        labels(data)


@pytest.mark.parametrize(
    ("row", "name", "reason", "words"),
    [
        (b"b", "labels.tsv:3", "bad_row", "line 3: 1 fields where the header has 2"),
        (b"b\talpha\tbeta", "labels.tsv:3", "bad_row", "line 3: 3 fields where the header has 2"),
        (b"\talpha", "labels.tsv:3", "no_name", "line 3: no name in column name"),
        (b"a\tbeta", "a", "ambiguous_name", "two classes: alpha on line 2, beta on line 3"),
        (b"a\t", "a", "ambiguous_name", "alpha on line 2, none on line 3"),
        (b"C\xf4te\talpha", "C\xf4te", "bad_encoding", "line 3: its name is not UTF-8"),
    ],
)
def test_broken_rows_are_rejected_and_the_rest_is_read(labels, row, name, reason, words):
    found = labels(b"name\tclass\na\talpha\n" + row + b"\nc\tbeta\n")
    rejected = [*found.rejected, *(label.genome(one, None) for one, label in found.by_name.items())]
    (genome,) = [genome for genome in rejected if genome.rejection]
    assert (genome.accession, genome.class_name, genome.rejection.reason) == (name, "", reason)
    assert words in genome.rejection.detail
    assert found.by_name["c"].class_name == "beta"


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("OM990851 (XD)", "OM990851 (XD)"),
        ("EPI_ISL_1 human 2021", "EPI_ISL_1"),
        ("hCoV-19/x/1|EPI_ISL_2|2021-01-01", "hCoV-19/x/1"),
        ("unknown|EPI_ISL_1|2021-01-01", "EPI_ISL_1"),
        ("a b | EPI_ISL_1", "EPI_ISL_1"),
        ("EPI_ISL_", None),
        ("", None),
    ],
)
def test_names_are_matched(header, name):
    names = Names(["OM990851", "OM990851 (XD)", "EPI_ISL_1", "hCoV-19/x/1"])
    assert names.match(header) == ([name] if name else [])


def write(folder, **files):
    for name, text in files.items():
        (folder / name).write_text(text)
    return {name: str(folder / name) for name in files}


def block(sequences, labels=None):
    return {"sequences": sequences, "labels": labels, "name_column": "name", "class_column": "class", "classes": {}}


NO_SUCH_NAME = "The table of labels has no such name as 'z'; its first one is 'x'."


def test_several_files_and_labels_without_a_sequence(tmp_path):
    paths = write(tmp_path, a=">x y\nAC\n>z\nGG\n", b=">w\nTT\n", t="name\tclass\nx\talpha\nv\tmu\nw\tbeta\n")
    assert list(read_table(block([paths["a"], paths["b"]], paths["t"]), None, "source.table")) == [
        Genome("x", "alpha", "AC", rule="column"),
        Genome("z", "", "GG", rejection=Rejection("unlabelled", NO_SUCH_NAME)),
        Genome("w", "beta", "TT", rule="column"),
        Genome("v", "mu", None, rule="column"),
    ]


def test_one_file(tmp_path):
    paths = write(tmp_path, a=">x\nAC\n", t="name\tclass\nx\talpha\n")
    assert list(read_table(block(paths["a"], paths["t"]), None, "source.table")) == [
        Genome("x", "alpha", "AC", rule="column")
    ]


def test_one_file_for_each_class(tmp_path):
    paths = write(tmp_path, a=">x y|z\nAC\n", b=">x\nAC\n>w\nTT\n")
    sequences = {"alpha": paths["a"], "beta": paths["b"]}
    assert list(read_table(block(sequences), None, "source.table")) == [
        Genome("x y|z", "alpha", "AC", rule="file"),
        Genome("x", "beta", "AC", rule="file"),
        Genome("w", "beta", "TT", rule="file"),
    ]
    with pytest.raises(InputError, match=r"source.table.labels and source.table.sequences both give classes"):
        list(read_table(block(sequences, paths["a"]), None, "source.table"))


def test_classes_by_rules_and_what_else_is_known(tmp_path):
    table = "strain\tpango\twhen\twhere\nx\tAY.4\t2021-07-01\tPeru\ny\tZZZ.1\t2022\t\nw\tB.1\t\tChile\n"
    paths = write(tmp_path, a=">x\nAC\n>y\nAC\n>w\nAC\n", t=table)
    columns = {"name_column": "strain", "class_column": None, "lineage_column": "pango", "clade_column": None}
    columns |= {"date_column": "when", "country_column": "where", "classes": {}}
    rules = read_class_rules(ROOT / "resources/class_rules.tsv", ROOT / "resources/pango_aliases.json")
    found = list(read_table({"sequences": paths["a"], "labels": paths["t"]} | columns, rules, "source.table"))
    assert found[0] == Genome("x", "delta", "AC", "", "pango:B.1.617.2*", "2021-07-01", "Peru", "AY.4")
    assert found[2] == Genome("w", "other", "AC", "", "pango:B.1", "", "Chile", "B.1")
    assert found[1].rejection.reason == "unknown_lineage" and "ZZZ.1" in found[1].rejection.detail


LINEAGES = {"alpha": 7, "beta": 4, "delta": 196, "gamma": 19, "gh": 1, "lambda": 2, "mu": 4, "omicron": 2936}
ISOLATES = {"alpha": 2, "beta": 1, "delta": 9, "gamma": 1, "lambda": 1, "mu": 1, "omicron": 30}


@pytest.mark.parametrize(
    ("folder", "counts"), [("lineages", LINEAGES | {"other": 416}), ("isolates", ISOLATES | {"other": 15})]
)
def test_real_genomes_as_they_are(shared_data, folder, counts):
    source = block(str(shared_data / folder / "genomes.fasta.zst"), str(shared_data / folder / "labels.tsv"))
    found = {}
    for genome in read_table(source, None, "source.table"):
        assert 29_000 < len(genome.sequence) < 30_000
        found[genome.class_name] = found.get(genome.class_name, 0) + 1
    assert found == counts
