"""Archives of all kinds, and those that mean harm."""

import gzip
import io
import lzma
import tarfile
import zipfile

import pytest
import zstandard

from spikegeometry.errors import InputError
from spikegeometry.genomes.archives import kind_of, read_members

LIMIT = 10**6
FASTA = b">a\nACGT\n" * 100
COMPRESS = {"": bytes, "gz": gzip.compress, "xz": lzma.compress, "zst": zstandard.compress}


def tar(*members):
    """A tar of names and bytes, or of TarInfos."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, data in members:
            member = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


def zipped(*members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


def special(name, kind, target=""):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.fixture
def read(tmp_path):
    def read(data, limit=LIMIT):
        path = tmp_path / "in.dat"
        path.write_bytes(data)
        return [(name, content.read()) for name, content in read_members(path, limit)]

    return read


@pytest.mark.parametrize("outer", COMPRESS)
@pytest.mark.parametrize("inner", COMPRESS)
def test_tars(read, outer, inner):
    data = tar(("folder/x.fasta", COMPRESS[inner](FASTA)), ("y.tsv", b"a\tb\n"))
    assert read(COMPRESS[outer](data)) == [("in.dat: folder/x.fasta", FASTA), ("in.dat: y.tsv", b"a\tb\n")]


@pytest.mark.parametrize("inner", COMPRESS)
def test_zips(read, inner):
    data = zipped(("folder/", b""), ("folder/x.fasta", COMPRESS[inner](FASTA)), ("y.tsv", b"a\tb\n"))
    assert read(data) == [("in.dat: folder/x.fasta", FASTA), ("in.dat: y.tsv", b"a\tb\n")]


@pytest.mark.parametrize("outer", COMPRESS)
def test_what_is_no_archive_is_its_own_member(read, outer):
    assert read(COMPRESS[outer](FASTA)) == [("in.dat", FASTA)]


@pytest.mark.parametrize(
    "member",
    [
        special("x", tarfile.SYMTYPE, "/etc/passwd"),
        special("x", tarfile.LNKTYPE, "../../etc/passwd"),
        special("x", tarfile.CHRTYPE),
        special("x", tarfile.BLKTYPE),
        special("x", tarfile.FIFOTYPE),
    ],
)
def test_links_and_devices_are_left_out(read, caplog, member):
    assert read(tar((member, b""), ("y.fasta", FASTA))) == [("in.dat: y.fasta", FASTA)]
    assert "x is a link or a device and is not read" in caplog.text


def test_links_in_a_zip_are_left_out(read, caplog):
    link = zipfile.ZipInfo("x")
    link.external_attr = 0o120777 << 16
    assert read(zipped((link, b"/etc/passwd"), ("y.fasta", FASTA))) == [("in.dat: y.fasta", FASTA)]
    assert "x is a link" in caplog.text


@pytest.mark.parametrize("name", ["/etc/cron.d/x", "../../x", "a/../../x", "C:\\x", "x\ny"])
@pytest.mark.parametrize("pack", [tar, zipped])
def test_names_are_names_only(tmp_path, read, pack, name):
    before = sorted(tmp_path.rglob("*"))
    ((shown, data),) = read(pack((name, FASTA)))
    assert data == FASTA and shown == f"in.dat: {name}"
    assert sorted(tmp_path.rglob("*")) == [*before, tmp_path / "in.dat"]


@pytest.mark.parametrize(
    "bomb",
    [
        gzip.compress(b">" + bytes(2 * LIMIT)),
        tar(("x.fasta.xz", lzma.compress(b">" + bytes(2 * LIMIT)))),
        zipped(("x.fasta", b">" + bytes(2 * LIMIT))),
        zipped(("x.fasta.gz", gzip.compress(b">" + bytes(2 * LIMIT)))),
        lzma.compress(tar(("a", bytes(LIMIT // 2)), ("b", bytes(LIMIT // 2)))),
    ],
)
def test_bombs(read, bomb):
    with pytest.raises(InputError, match="more than 1,000,000 bytes.*max_gigabytes"):
        read(bomb)


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(tar(("x", FASTA)))[:-20],
        lzma.compress(tar(("x", FASTA)))[:-20],
        tar(("x", FASTA))[:900],
        zipped(("x", FASTA))[:-30],
        tar(("x.gz", gzip.compress(FASTA)[:-9])),
        zipped(("x.xz", lzma.compress(FASTA)[:-9])),
    ],
)
def test_truncated(read, data):
    with pytest.raises(InputError, match="in.dat.* is truncated or damaged.*Download it again"):
        read(data)


def test_a_damaged_zip_member(read):
    data = bytearray(zipped(("x", FASTA)))
    data[35] ^= 0xFF
    with pytest.raises(InputError, match="truncated or damaged"):
        read(bytes(data))


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b">a\nAC", "fasta"), (b"\xef\xbb\xbf\n>a", "fasta"), (b"\n <html>", "page"), (b"a\tb", "text"), (b"", "text")],
)
def test_kinds(data, kind):
    content = io.BufferedReader(io.BytesIO(data))
    assert kind_of(content) == kind
    assert content.read() == data
