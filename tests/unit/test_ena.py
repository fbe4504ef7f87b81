"""INSDC records by accession, from a real server that has some of them."""

import pytest

from checkout import ROOT
from loopback import File, serving
from spikegeometry.errors import InputError
from spikegeometry.genomes.classification import read_class_rules
from spikegeometry.genomes.ena import read_ena
from spikegeometry.genomes.remote import Remote
from spikegeometry.genomes.sources import Genome

RULES = read_class_rules(ROOT / "resources/class_rules.tsv", ROOT / "resources/pango_aliases.json")
HELD = {"OM000001": "ACGT", "OM000002": "GGGG", "OM000004": "TTTT"}
TABLE = (
    "accession\tlineage\tyear\nOM000001\tQ.1\t2021\nOM000002.1\tAY.4\t\n"
    "OM000003\tP.1\t\njunk/../x\tP.1\t\nOM000004\tXX.1\t\n"
)
BLOCK = {
    "name_column": "accession",
    "class_column": None,
    "lineage_column": "lineage",
    "clade_column": None,
    "date_column": "year",
    "country_column": None,
    "classes": {},
}


@pytest.fixture
def server():
    with serving() as running:
        # As the archive does: a batch gives what it has, and 404 where it has none of it.
        for batch in ("OM000001,OM000002.1", "OM000003,OM000004", "OM000001,OM000002.1,OM000003,OM000004"):
            held = [name for name in batch.split(",") if name.partition(".")[0] in HELD]
            body = "".join(
                f">ENA|{one[:8]}|{one[:8]}.1 Severe acute respiratory syndrome\n{HELD[one[:8]]}\n" for one in held
            )
            running.files[f"api/fasta/{batch}"] = File(body.encode(), kind="text/plain")
        running.files["api/fasta/OM000004"] = File(b">ENA|OM000004|OM000004.1 x\nTTTT\n", kind="text/plain")
        yield running


@pytest.fixture
def read(tmp_path, server):
    def read(table=TABLE, size=2, offline=False):
        path = tmp_path / "accessions.tsv"
        path.write_text(table)
        block = BLOCK | {"labels": str(path), "base_url": server.url("api/"), "batch_size": size}
        remote = Remote(tmp_path / "cache", retries=2, backoff=0.01, timeout=2, per_second=1000, offline=offline)
        return list(read_ena(block, RULES, remote, "source.ena"))

    return read


def test_every_accession_is_told_of(read):
    found = {genome.accession: genome for genome in read()}
    assert found["OM000001"] == Genome("OM000001", "alpha", "ACGT", "", "pango:B.1.1.7*", "2021", "", "Q.1")
    assert found["OM000002.1"].sequence == "GGGG"
    assert found["OM000003"] == Genome("OM000003", "gamma", None, "", "pango:P.1*", "", "", "P.1")
    assert found["OM000004"].rejection.reason == "unknown_lineage" and found["OM000004"].sequence == "TTTT"
    assert found["junk/../x"].rejection.reason == "no_accession"
    assert len(found) == 5


def test_a_batch_that_is_not_found_is_asked_for_in_halves(read, server):
    server.files["api/fasta/OM000003,OM000004"].statuses = [404]
    assert {genome.accession: genome.sequence for genome in read()}["OM000004"] == "TTTT"
    assert len(server.requests["api/fasta/OM000003"]) == 1


def test_a_broken_off_run_asks_only_for_the_rest(read, server):
    server.files["api/fasta/OM000003,OM000004"].statuses = [503] * 3
    with pytest.raises(InputError, match="not available now"):
        read()
    assert len(read()) == 5
    assert len(server.requests["api/fasta/OM000001,OM000002.1"]) == 1
    server.requests.clear()
    assert len(read(offline=True)) == 5 and not server.requests


def test_a_web_page_is_no_batch(read, server):
    server.files["api/fasta/OM000001,OM000002.1"] = File(b"<html>maintenance</html>", kind="text/plain")
    with pytest.raises(InputError, match="no FASTA file.*web page"):
        read()
