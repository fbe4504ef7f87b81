"""Nextstrain's open files: filters, classes, and a fair sample in one pass."""

from collections import Counter

import pytest
import zstandard

from checkout import ROOT
from loopback import File, serving
from spikegeometry.errors import InputError
from spikegeometry.genomes.classification import read_class_rules
from spikegeometry.genomes.nextstrain import Reservoir, read_nextstrain
from spikegeometry.genomes.remote import Remote
from spikegeometry.genomes.sources import Genome

RULES = read_class_rules(ROOT / "resources/class_rules.tsv", ROOT / "resources/pango_aliases.json")
DEFAULTS = {
    "metadata": "metadata.tsv.zst",
    "sequences": "sequences.fasta.zst",
    "metadata_sha256": None,
    "sequences_sha256": None,
    "classes_by": ["pango", "nextstrain_clade"],
    "per_class": 9,
    "lineages": [],
    "clades": [],
    "date_from": None,
    "date_to": None,
    "quality": ["good", "mediocre"],
}
HEADER = ("strain", "genbank_accession", "date", "country", "pango_lineage", "Nextstrain_clade", "QC_overall_status")
ROWS = [  # strain, genbank_accession, date, country, pango_lineage, Nextstrain_clade, QC_overall_status
    ("a/1", "OM000001", "2021-02-03", "Peru", "Q.1", "20I (Alpha)", "good"),
    ("a/2", "?", "2021-06-XX", "Chile", "B.1.1.7", "20I", "mediocre"),
    ("a/3", "OM000003", "2021-03-03", "Peru", "B.1.1.7", "20I", "bad"),
    ("d/1", "OM000004", "2021-07-01", "India", "AY.4", "21J (Delta)", "good"),
    ("d/2", "OM000005", "2022-01-01", "India", "AY.4", "21K (Omicron)", "good"),
    ("x/1", "OM000006", "2020-03-01", "India", "B.1", "20A", "good"),
    ("d/3", "OM000007", "2021-08-01", "India", "AY.4.2", "21J", "good"),
]


@pytest.fixture
def read(tmp_path):
    def read(rows=ROWS, seed=1, **block):
        table = "\n".join("\t".join(row) for row in [("extra", *HEADER), *(("-", *row) for row in rows)])
        fasta = "".join(f">{row[0]}\nACGT{row[0][-1]}\n" for row in reversed(rows) if row[0] != "d/3")
        with serving() as server:
            server.files["open/metadata.tsv.zst"] = File(zstandard.compress(table.encode()), cuts=[50])
            server.files["open/sequences.fasta.zst"] = File(zstandard.compress(fasta.encode()))
            remote = Remote(tmp_path / f"cache{server.server_port}", retries=2, backoff=0.01, per_second=1000)
            source = DEFAULTS | {"base_url": server.url("open")} | block
            classes = ["alpha", "delta", "omicron"]
            return list(read_nextstrain(source, RULES, classes, remote, seed, "source.nextstrain"))

    return read


def names(genomes):
    return sorted(genome.accession for genome in genomes if not genome.rejection)


def test_classes_and_what_is_known(read):
    found = {genome.accession: genome for genome in read()}
    rule = "pango:B.1.1.7*;nextstrain_clade:20I"
    assert found["OM000001"] == Genome("OM000001", "alpha", "ACGT1", "", rule, "2021-02-03", "Peru", "Q.1")
    assert found["a/2"].sequence == "ACGT2"
    assert found["OM000007"].sequence is None
    assert names(found.values()) == ["OM000001", "OM000004", "OM000007", "a/2"]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"quality": []}, ["OM000001", "OM000003", "OM000004", "OM000007", "a/2"]),
        ({"lineages": ["AY.4*"]}, ["OM000004", "OM000007"]),
        ({"lineages": ["AY.4", "Q.1"]}, ["OM000001", "OM000004"]),
        ({"clades": ["20I"]}, ["OM000001", "a/2"]),
        ({"date_from": "2021-07", "date_to": "2021-07-31"}, ["OM000004"]),
        ({"classes_by": ["nextstrain_clade"]}, ["OM000001", "OM000004", "OM000005", "OM000007", "a/2"]),
    ],
)
def test_filters(read, block, expected):
    assert names(read(**block)) == expected


def test_at_most_so_many_of_each_class_the_same_by_seed(read):
    rows = [(f"a/{n}", f"OM{n:06}", "2021-02-03", "Peru", "Q.1", "20I", "good") for n in range(50)]
    first = read(rows, per_class=5)
    assert len(first) == 5 and first == read(rows, per_class=5)
    assert names(first) != names(read(rows, per_class=5, seed=2))


def test_the_sample_is_fair():
    drawn = Counter()
    for seed in range(2000):
        reservoir = Reservoir(2, [seed])
        for item in range(8):
            reservoir.add(item)
        drawn.update(reservoir.items)
    # Each of 8 items has the chance 1/4: 500 of 2,000, with a standard deviation of 19.4.
    assert all(abs(drawn[item] - 500) < 4 * 19.4 for item in range(8))


def test_wrong_checksum(read):
    with pytest.raises(InputError, match="SHA-256"):
        read(sequences_sha256="0" * 64)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (b"", "is empty"),
        (b"strain\tdate\n", r"has no column 'pango_lineage' or 'pangolin_lineage'"),
        (b"strain\tdate\tdate\n", r"has the column 'date' \(date\) twice"),
        (b"PK\x03\x04", "is a workbook or a zip file"),
        (zstandard.compress(b"strain\n")[:-3], "truncated or damaged"),
    ],
)
def test_broken_metadata(tmp_path, metadata, message):
    (tmp_path / "metadata.tsv.zst").write_bytes(metadata)
    (tmp_path / "sequences.fasta.zst").write_text(">x\nA\n")
    source = DEFAULTS | {"base_url": tmp_path.as_uri()}
    with pytest.raises(InputError, match=rf"metadata.tsv.zst \(source.nextstrain.metadata\) .*{message}"):
        list(read_nextstrain(source, RULES, ["alpha"], Remote(tmp_path), 1, "source.nextstrain"))
