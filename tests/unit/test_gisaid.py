"""GISAID's feed and archives, from a real server and real archives, with all that can be wrong with them."""

import json
import lzma
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout import ROOT
from fuzzing import count_headers, fuzzed
from loopback import File, serving
from spikegeometry.errors import InputError
from spikegeometry.genomes.classification import read_class_rules
from spikegeometry.genomes.gisaid import read_feed_lines, read_gisaid
from spikegeometry.genomes.remote import Remote
from spikegeometry.genomes.sources import Genome
from test_archives import tar, zipped

RULES = read_class_rules(ROOT / "resources/class_rules.tsv", ROOT / "resources/pango_aliases.json")
DEFAULTS = {
    "accessions": None,
    "feed": None,
    "archives": [],
    "classes_by": ["pango"],
    "complete_only": False,
    "high_coverage_only": False,
    "max_gigabytes": 1,
}
METADATA = (
    "Virus name\tAccession ID\tCollection date\tLocation\tClade\tPango lineage\tVariant\n"
    "hCoV-19/x/1\tEPI_ISL_1\t2021-02-03\tEurope / Peru / Lima\tGRY\tQ.1\tVOC Alpha\n"
    "hCoV-19/y/2\tEPI_ISL_2\t2021-07-01\tAsia / India\tGK\tAY.4\t\n"
)
AUGUR = (
    "strain\tvirus\tgisaid_epi_isl\tdate\tcountry\tpango_lineage\tGISAID_clade\n"
    "hCoV-19/x/1\tncov\tEPI_ISL_1\t2021-02-03\tPeru\tQ.1\tGRY\nhCoV-19/y/2\tncov\tEPI_ISL_2\t2021-07-01\tIndia\tAY.4\tGK\n"
)
FASTA = ">hCoV-19/x/1|EPI_ISL_1|2021-02-03\nacgt\nAC\n>hCoV-19/y/2|2021-07-01\nGGTT\n"
EXPECTED = [
    Genome("EPI_ISL_1", "alpha", "ACGTAC", "", "pango:B.1.1.7*", "2021-02-03", "Peru", "Q.1"),
    Genome("EPI_ISL_2", "delta", "GGTT", "", "pango:B.1.617.2*", "2021-07-01", "India", "AY.4"),
]


def record(number, lineage="Q.1", sequence="ACGT", **fields):
    return {
        "covv_accession_id": f"EPI_ISL_{number}",
        "covv_virus_name": f"hCoV-19/x/{number}",
        "covv_collection_date": "2021-02-03",
        "covv_location": "Europe / Peru",
        "covv_lineage": lineage,
        "covv_clade": "GRY",
        "is_complete": True,
        "is_high_coverage": None,
        "n_content": 0.01,
        "covv_subm_date": "2021-03-01",
        "sequence": sequence,
        **fields,
    }


def lines(*records):
    return "".join(json.dumps(one) + "\n" if isinstance(one, dict) else one for one in records).encode()


@pytest.fixture
def files(tmp_path):
    """Write files of bytes or text; give the paths."""

    def write(**contents):
        paths = []
        for name, content in contents.items():
            paths.append(tmp_path / name)
            paths[-1].write_bytes(content if isinstance(content, bytes) else content.encode())
        return [str(path) for path in paths]

    return write


@pytest.fixture
def read(tmp_path):
    def read(**block):
        remote = Remote(tmp_path / "cache", retries=2, backoff=0.01, timeout=2, per_second=1000)
        return list(read_gisaid(DEFAULTS | block, RULES, remote, "source.gisaid"))

    return read


@pytest.fixture
def feed(tmp_path, read, files):
    """Read a feed of these lines, which stands in a file, for a list of accessions."""

    def read_feed(data, wanted, **block):
        (accessions,) = files(wanted="\n".join(f"EPI_ISL_{number}" for number in wanted))
        (path,) = files(feed=lzma.compress(data))
        where = {"url": f"file://{path}", "user_variable": None, "password_variable": None}
        return read(accessions=accessions, feed=where, **block)

    return read_feed


# Feed


def test_only_what_is_asked_for_is_kept_and_what_is_missing_is_said(feed):
    data = lines(record(1), record(2), record(3, "AY.4", "acg t"), record(4))
    found = feed(data, [3, 1, 9])
    assert found == [
        Genome("EPI_ISL_1", "alpha", "ACGT", "", "pango:B.1.1.7*", "2021-02-03", "Peru", "Q.1"),
        Genome("EPI_ISL_3", "delta", "ACGT", "", "pango:B.1.617.2*", "2021-02-03", "Peru", "AY.4"),
        Genome("EPI_ISL_9", "", None),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"covv_accession_id": "EPI_ISL_2", "sequence": "AC', "unreadable"),
        ("[1, 2]\n", "unreadable"),
        ("<html>\n", "unreadable"),
        ("[" * 100_000 + "\n", "unreadable"),
        ('{"covv_accession_id": 2, "sequence": "AC"}\n', "no_accession"),
        ('{"covv_accession_id": null}\n', "no_accession"),
        ('{"covv_accession_id": "EPI_ISL_2"}\n', "missing_sequence"),
        ('{"covv_accession_id": "EPI_ISL_2", "sequence": ["A"]}\n', "missing_sequence"),
        ('{"covv_accession_id": "EPI_ISL_2", "sequence": "AC", "covv_lineage": {"a": 1}}\n', "unlabelled"),
    ],
)
def test_bad_lines_are_rejected_and_the_rest_is_read(feed, line, reason):
    after = "" if line.endswith("\n") else "\n"
    found = feed(lines(record(1), line + after, record(3)), [1, 2, 3])
    reasons = {genome.accession: genome.rejection and genome.rejection.reason for genome in found}
    assert reasons.pop("EPI_ISL_1") is None and reasons.pop("EPI_ISL_3") is None
    assert reason in reasons.values()
    if "line 2" in reasons:
        assert reasons == {"line 2": reason, "EPI_ISL_2": None}


def test_bad_lines_of_others_are_none_of_our_records(feed):
    assert len(feed(lines(record(1), '{"covv_accession_id": "EPI_ISL_5", "seq\n'), [1])) == 1


def test_flags_of_the_feed(feed):
    data = lines(record(1, is_high_coverage=True), record(2, is_complete=None), record(3, is_complete="True"))
    found = feed(data, [1, 2, 3], complete_only=True)
    assert [genome.rejection and genome.rejection.reason for genome in found] == [None, "not_complete", None]
    found = feed(data, [1, 2, 3], high_coverage_only=True)
    assert [genome.rejection and genome.rejection.reason for genome in found] == [
        *(None, "not_high_coverage", "not_high_coverage"),
    ]


def test_classes_that_contradict_each_other(feed):
    (found,) = feed(lines(record(1, "AY.4")), [1], classes_by=["pango", "gisaid_clade"])
    assert found.rejection.reason == "class_conflict" and found.lineage == "AY.4"


def test_a_feed_from_a_server_that_asks_who_is_there(read, files, monkeypatch, tmp_path, caplog):
    secret = "s3cr/et:%41 ü"
    (accessions,) = files(wanted="EPI_ISL_1\n")
    where = {"user_variable": "FEED_USER", "password_variable": "FEED_PASSWORD"}
    monkeypatch.setenv("FEED_USER", "jo")
    with serving() as server:
        body = lzma.compress(lines(record(1), *(record(n) for n in range(2, 500))))
        server.files["feed.xz"] = File(body, user="jo", password=secret, cuts=[100, 500], statuses=[503])
        where["url"] = server.url("feed.xz")
        with pytest.raises(InputError, match="FEED_PASSWORD is not set"):
            read(accessions=accessions, feed=where)
        monkeypatch.setenv("FEED_PASSWORD", "wr0ng")
        with pytest.raises(InputError, match="refuses the credentials of FEED_USER and FEED_PASSWORD") as caught:
            read(accessions=accessions, feed=where)
        monkeypatch.setenv("FEED_PASSWORD", secret)
        assert [genome.accession for genome in read(accessions=accessions, feed=where)] == ["EPI_ISL_1"]
    said = caplog.text + str(caught.value)
    assert secret not in said and "wr0ng" not in said


@pytest.mark.parametrize("data", [b"", b"<html>Please log in</html>", lzma.compress(lines(record(1)) * 99)[:-30]])
def test_a_feed_that_is_none(read, files, data):
    accessions, path = files(wanted="EPI_ISL_1\n", feed=data)
    where = {"url": path, "user_variable": None, "password_variable": None}
    try:
        found = read(accessions=accessions, feed=where)
    except InputError as error:
        assert "truncated or damaged" in str(error)
    else:
        assert [genome.sequence for genome in found] == [None] * len(found)


def test_a_feed_without_end(feed):
    with pytest.raises(InputError, match="more than 1,000 bytes.*max_gigabytes"):
        feed(lines(*(record(n) for n in range(100))), [1], max_gigabytes=1e-6)


class Repeated:
    """A stream of one line again and again."""

    def __init__(self, line, times):
        self.line, self.left = line, times

    def readline(self, _):
        self.left -= 1
        return self.line if self.left >= 0 else b""


def test_memory_does_not_grow_with_the_feed():
    line = lines(record(7, sequence="ACGT" * 7500))
    peaks = []
    for times in (50, 2000):
        tracemalloc.start()
        assert list(read_feed_lines(Repeated(line, times), {"EPI_ISL_1": None}, 10**12)) == []
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 100_000


@fuzzed
@given(
    st.lists(st.one_of(st.binary(max_size=60), st.builds(lambda n: lines(record(n)), st.integers(1, 9))), max_size=9)
)
def test_every_line_is_a_record_a_rejection_or_not_asked_for(parts):
    data = b"\n".join(part.strip(b"\n") for part in parts)
    stream = iter([line + b"\n" for line in data.split(b"\n")])

    class Lines:
        def readline(self, _):
            return next(stream, b"")

    found = list(read_feed_lines(Lines(), None, 10**9))
    assert len(found) == sum(1 for line in data.split(b"\n") if line.strip())


# Archives


@pytest.mark.parametrize("metadata", [METADATA, AUGUR])
@pytest.mark.parametrize("pack", [tar, zipped])
@pytest.mark.parametrize("order", [1, -1])
def test_archives(read, files, metadata, pack, order):
    members = [("1/metadata.tsv", metadata.encode()), ("1/x.fasta", FASTA.encode()), ("README.txt", b"Thanks!")]
    (path,) = files(archive=pack(*members[::order]))
    assert read(archives=[path]) == EXPECTED


def test_files_that_a_user_has_unpacked(read, files):
    paths = files(fasta=FASTA, metadata=lzma.compress(METADATA.encode()))
    assert read(archives=paths) == EXPECTED
    (accessions,) = files(wanted="EPI_ISL_2 EPI_ISL_3")
    assert read(archives=paths, accessions=accessions) == [EXPECTED[1], Genome("EPI_ISL_3", "", None)]


def test_sequences_without_metadata_have_no_class(read, files):
    first, second = read(archives=files(fasta=FASTA))
    assert (first.accession, first.date, first.rejection.reason) == ("EPI_ISL_1", "2021-02-03", "unlabelled")
    assert (second.accession, second.rejection.reason) == ("hCoV-19/y/2|2021-07-01", "unlabelled")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<html>Log in</html>", "web page, perhaps for a login"),
        (zipped(("x.fasta", b"<!DOCTYPE html>")), "web page"),
        (METADATA.encode(), "hold no FASTA"),
        (b"", "hold no FASTA"),
        (zipped(("x.fasta", FASTA.encode()))[:-9], "truncated or damaged"),
    ],
)
def test_archives_of_no_use(read, files, data, message):
    with pytest.raises(InputError, match=message):
        read(archives=files(archive=data))


@fuzzed
@given(st.lists(st.tuples(st.text(max_size=12), st.binary(max_size=40)), max_size=4), st.binary(max_size=8))
def test_whatever_an_archive_holds_each_record_is_told_of_or_one_error(tmp_path_factory, members, tail):
    path = tmp_path_factory.mktemp("fuzz") / "a"
    path.write_bytes(tar(*((name.replace("\0", "") or "x", data) for name, data in members)) + tail)
    remote = Remote(path.parent / "cache")
    try:
        found = list(read_gisaid(DEFAULTS | {"archives": [str(path)]}, RULES, remote, "source.gisaid"))
    except InputError as error:
        assert str(error)
    else:
        assert all(isinstance(genome, Genome) for genome in found)
        assert len(found) == sum(count_headers(data) for _, data in members)
