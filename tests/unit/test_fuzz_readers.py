"""Broken files of every kind: accepted + rejected = records, no genome gets another's class, and one line or none.

SPIKEGEOMETRY_FUZZ=5000 looks longer.
"""

import gzip
import lzma
import tempfile
from contextlib import contextmanager
from pathlib import Path

import zstandard
from hypothesis import given
from hypothesis import strategies as st

from checkout import ROOT
from fuzzing import count_headers, fuzzed
from reading import CLASSES, collect, fasta, write
from spikegeometry.errors import InputError
from spikegeometry.genomes.accessions import GISAID, read_accessions
from spikegeometry.genomes.classification import read_class_rules
from spikegeometry.genomes.fasta import read_fasta, read_single
from spikegeometry.genomes.founders import read_founders

RULES, ALIASES = ROOT / "resources/class_rules.tsv", ROOT / "resources/pango_aliases.json"
LINEAGE = {"alpha": "Q.1", "delta": "AY.4", "omicron": "BA.2"}
CLADE = {"alpha": "20I/501Y.V1", "delta": "21J (Delta)", "omicron": "recombinant"}

# What people and programs leave in files.
SCRAPS = [
    *(
        "\r",
        "\n",
        "\r\n",
        "\t",
        ",",
        ";",
        '"',
        '""',
        "'",
        "\0",
        "\x0b",
        "\x1c",
        "\u2028",
        "\ufeff",
        "é",
        "|",
        ">",
        " ",
        "#",
    ),
    *("NA", "null", "1e5", "007", "x" * 99),
]
scraps = st.one_of(st.sampled_from(SCRAPS), st.text(max_size=3))
pieces = st.one_of(
    st.sampled_from([b">a", b">", b"\n", b"\r", b"\r\n", b" >b", b"ACGTACGT", b";", b"\xef\xbb\xbf", b"\xf4", b"x|y"]),
    st.binary(max_size=4),
)


@contextmanager
def folder_of(**contents):
    """A folder with files, and one line where they cannot be read."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), **contents)
        try:
            yield Path(folder)
        except InputError as error:
            assert str(error) and not set("\r\n") & set(str(error))


@fuzzed
@given(st.lists(pieces, max_size=20).map(b"".join))
def test_each_header_is_a_record(data):
    with folder_of(a_fasta=data) as folder:
        assert len(list(read_fasta(folder / "a.fasta"))) == count_headers(data)


@fuzzed
@given(st.lists(pieces, max_size=20).map(lambda parts: b">x\nACGTAC" + b"".join(parts)))
def test_each_query_has_an_answer(data):
    with folder_of(a_fasta=data) as folder:
        found = collect(folder, {"query": {"sequences": str(folder / "a.fasta")}})
        assert len(found.accepted) + len(found.rejected) == count_headers(data)


@fuzzed
@given(
    st.sampled_from([gzip.compress, lzma.compress, zstandard.ZstdCompressor(write_checksum=True).compress]), st.data()
)
def test_a_damaged_file_gives_the_whole_or_one_line(compress, data):
    records = [(f"r{number}", "ACGT" * number) for number in range(9)]
    packed = bytearray(compress("".join(f">{name}\n{bases}\n" for name, bases in records).encode()))
    # Behind the first bytes, by which the kind of file is known.
    for place in data.draw(st.lists(st.integers(6, len(packed) - 1), max_size=2)):
        packed[place] ^= data.draw(st.integers(1, 255))
    packed = packed[: data.draw(st.integers(0, len(packed)))]
    with folder_of(a_fasta=bytes(packed)) as folder:
        found = list(read_fasta(folder / "a.fasta"))
        assert found == records


def spoil(data, text):
    """The text with scraps at some of its places, or cut."""
    for scrap in data.draw(st.lists(scraps, min_size=1, max_size=2)):
        place = data.draw(st.integers(0, len(text)))
        text = text[:place] + scrap + text[place:]
    return text[: data.draw(st.integers(0, len(text)))] if data.draw(st.booleans()) else text


def spoiled_table(data, header, rows, delimiter):
    """A table, the number of each row that is as it was, and its bytes in some encoding."""
    broken = data.draw(st.sets(st.integers(0, len(rows) - 1), max_size=3))
    lines = [delimiter.join(row) for row in rows]
    for number in broken:
        lines[number] = spoil(data, lines[number])
    end = data.draw(st.sampled_from(["\n", "\r\n"]))
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
    text = end.join([delimiter.join(header), *lines]).encode(encoding, "replace")
    return text, [number for number in range(len(rows)) if number not in broken]


def check(found, names, classes, whole, records):
    """Every record is told of; rows that are as they were give their classes, and no name gets another's."""
    of_rows = [row for row in found.rejected if ":" in row["accession"] or row["reason"] == "missing_sequence"]
    assert len(found.accepted) + len(found.rejected) - len(of_rows) == records
    accepted = found.classes()
    # A row that was spoilt can bear the name of another one; then both are rejected.
    contested = {row["accession"] for row in found.rejected}
    for number in whole:
        assert accepted.get(names[number]) == classes[number] or names[number] in contested
    # What is left of the lineage of a spoilt row can be one of none of the classes, but not that of another row.
    for name, class_name in accepted.items():
        assert class_name in (dict(zip(names, classes, strict=True)).get(name, class_name), "other")


names_and_classes = st.lists(st.sampled_from(CLASSES), min_size=2, max_size=6)


@fuzzed
@given(st.data(), names_and_classes, st.sampled_from("\t,;"), st.permutations(["name", "class", "date", "country"]))
def test_tables_of_labels(data, classes, delimiter, header):
    names = [f"g{number}" for number in range(len(classes))]
    values = [
        {"name": name, "class": c, "date": "2021", "country": "CH"} for name, c in zip(names, classes, strict=True)
    ]
    rows = [[row[column] for column in header] for row in values]
    text, whole = spoiled_table(data, header, rows, delimiter)
    with folder_of(labels_csv=text, genomes_fasta=fasta(names)) as folder:
        block = {"sequences": str(folder / "genomes.fasta"), "labels": str(folder / "labels.csv")}
        check(collect(folder, {"table": block}), names, classes, whole, len(names))


@fuzzed
@given(
    st.data(),
    names_and_classes,
    st.booleans(),
    st.permutations(["Virus name", "Accession ID", "Host", "Pango lineage"]),
)
def test_archives_of_gisaid(data, classes, by_name, header):
    accessions = [f"EPI_ISL_90{number}" for number in range(len(classes))]
    viruses = [f"hCoV-19/T/{number}/2021" for number in range(len(classes))]
    rows = []
    for accession, virus, name in zip(accessions, viruses, classes, strict=True):
        values = {"Virus name": virus, "Accession ID": accession, "Host": "Human", "Pango lineage": LINEAGE[name]}
        rows.append([values[column] for column in header])
    text, whole = spoiled_table(data, header, rows, "\t")
    headers = viruses if by_name else [f"x|{accession}|2021" for accession in accessions]
    with folder_of(metadata_tsv=text, sequences_fasta=fasta(headers)) as folder:
        paths = [str(folder / "metadata.tsv"), str(folder / "sequences.fasta")]
        found = collect(folder, {"gisaid": {"archives": paths}})
        contested = [row for row in found.rejected if row["reason"] in ("ambiguous_name", "metadata_conflict")]
        whole = [number for number in whole if not contested]
        check(found, accessions, classes, whole, len(headers))


@fuzzed
@given(st.data(), names_and_classes)
def test_files_of_nextstrain(data, classes):
    header = [
        "strain",
        "genbank_accession",
        "date",
        "country",
        "pango_lineage",
        "Nextstrain_clade",
        "QC_overall_status",
    ]
    accessions = [f"ZZ90000{number}" for number in range(len(classes))]
    rows = [
        [f"S-{number}", accessions[number], "2021-03-02", "T", LINEAGE[name], CLADE[name], "good"]
        for number, name in enumerate(classes)
    ]
    text, whole = spoiled_table(data, header, rows, "\t")
    with folder_of(metadata_tsv=text, sequences_fasta=fasta([row[0] for row in rows])) as folder:
        block = {"base_url": folder.as_uri(), "metadata": "metadata.tsv", "sequences": "sequences.fasta"}
        found = collect(folder, {"nextstrain": block})
        names = [row["accession"] for row in found.accepted] + [row["accession"] for row in found.rejected]
        assert all(accessions[number] in names for number in whole)
        assert len(found.sequences) == len(found.accepted)
        expected = dict(zip(accessions, classes, strict=True))
        assert all(one in (expected.get(name, one), "other") for name, one in found.classes().items())


@fuzzed
@given(st.data(), names_and_classes, st.lists(pieces, max_size=12).map(b"".join))
def test_records_of_ena(data, classes, body):
    """Every accession of the table is told of, whatever the archive answers."""
    names = [f"ZZ90000{number}" for number in range(len(classes))]
    text = "\n".join(["accession\tclass", *(f"{name}\t{one}" for name, one in zip(names, classes, strict=True))])
    whole = "".join(f">ENA|{name}|{name}.1 x\nACGTACGTA{'ACGT' * n}\n" for n, name in enumerate(names)).encode()
    place = data.draw(st.integers(0, len(whole)))
    with folder_of(accessions_tsv=text) as folder:
        (folder / "fasta").mkdir()
        (folder / "fasta" / ",".join(names)).write_bytes(whole[:place] + body + whole[place:])
        block = {"labels": str(folder / "accessions.tsv"), "base_url": folder.as_uri()}
        found = collect(folder, {"ena": block})
        told = [row["accession"] for row in (*found.accepted, *found.rejected)]
        assert sorted(told) == sorted(names)
        assert all(dict(zip(names, classes, strict=True))[name] == one for name, one in found.classes().items())


@fuzzed
@given(
    st.lists(
        st.one_of(
            scraps,
            st.builds("EPI_ISL_{}".format, st.integers(1, 99)),
            st.builds("EPI_ISL_{}{}{}".format, st.integers(1, 50), st.sampled_from("-–~"), st.integers(1, 99)),
        ),
        max_size=9,
    )
)
def test_lists_of_accessions(parts):
    text = " ".join(parts)
    with folder_of(wanted_txt=text.encode("utf-8", "replace")) as folder:
        found = read_accessions(folder / "wanted.txt", "key")
        told = "".join(genome.rejection.detail for genome in found.rejected)
        lines = [line for line in text.splitlines() if not line.lstrip("\ufeff \t").startswith("#")]
        for accession in GISAID.findall("\n".join(lines)):
            assert accession.upper() in found.wanted or accession in told


@fuzzed
@given(st.data(), st.sampled_from([RULES, ALIASES]))
def test_tables_of_class_rules_and_aliases(data, spoilt):
    text = spoil(data, spoilt.read_text(encoding="utf-8")[: data.draw(st.integers(0, 6000))])
    with folder_of(spoilt=text.encode("utf-8", "replace")) as folder:
        paths = {RULES: RULES, ALIASES: ALIASES} | {spoilt: folder / "spoilt"}
        assert read_class_rules(*paths.values()).classify({"pango": "B.1.1.7"})


@fuzzed
@given(st.data())
def test_tables_of_founders(data):
    text = spoil(data, (ROOT / "resources/founders.tsv").read_text(encoding="utf-8")[: data.draw(st.integers(0, 4000))])
    reference = read_single(ROOT / "resources/NC_045512.2.fasta").sequence
    with folder_of(founders_tsv=text.encode("utf-8", "replace")) as folder:
        assert read_founders(folder / "founders.tsv", reference)


@fuzzed
@given(st.binary(max_size=60), st.sampled_from(["labels.csv", "metadata.tsv", "accessions.tsv", "wanted.txt"]))
def test_whatever_a_file_is_there_is_one_line_or_a_table(data, name):
    contents = {"genomes_fasta": ">x|EPI_ISL_1\nACGTACGT\n", name.replace(".", "_"): data}
    with folder_of(**contents) as folder:
        genomes, path = str(folder / "genomes.fasta"), str(folder / name)
        source = {
            "labels.csv": {"table": {"sequences": genomes, "labels": path}},
            "metadata.tsv": {"gisaid": {"archives": [genomes, path]}},
            "accessions.tsv": {"ena": {"labels": path, "base_url": folder.as_uri()}},
            "wanted.txt": {"gisaid": {"archives": [genomes], "accessions": path}},
        }[name]
        collect(folder, source)
