"""FASTA is read from any compression, whole or with an error."""

import gzip
import lzma

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from spikegeometry.errors import InputError
from spikegeometry.genomes.fasta import BLOCK_SIZE, Record, fasta_writer, read_fasta, read_single


def pzstd(data: bytes) -> bytes:
    """Two frames behind a skippable one, as parallel zstd writes them."""
    half = len(data) // 2
    skippable = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"\x00" * 4
    return skippable + zstandard.compress(data[:half]) + zstandard.compress(data[half:])


COMPRESSORS = {
    "plain": bytes,
    "gzip": gzip.compress,
    "gzip_members": lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:]),
    "xz": lzma.compress,
    "zstd": zstandard.compress,
    "pzstd": pzstd,
}
REAL_COMPRESSORS = {name: COMPRESSORS[name] for name in ("gzip", "xz", "zstd")}


@pytest.fixture
def read(tmp_path):
    """Read FASTA from bytes, through a file whose suffix says nothing."""

    def read_bytes(data: bytes) -> list[Record]:
        (tmp_path / "genomes.txt").write_bytes(data)
        return list(read_fasta(tmp_path / "genomes.txt"))

    return read_bytes


@pytest.mark.parametrize("compress", COMPRESSORS.values(), ids=COMPRESSORS)
def test_compression_is_known_by_content(read, compress):
    assert read(compress(b">a\nACGT\nAC\n>b\nGG\n")) == [("a", "ACGTAC"), ("b", "GG")]


@pytest.mark.parametrize(
    ("data", "records"),
    [
        (b">a\r\nAC\r\nGT\r\n>b\r\nGG\r\n", [("a", "ACGT"), ("b", "GG")]),
        (b"\xef\xbb\xbf>a\nAC\n", [("a", "AC")]),
        (b"\n\r\n>a\nAC\n", [("a", "AC")]),
        (b">a\nac\n\n\n gt\t\n\n>b\nrn\n", [("a", "ACGT"), ("b", "RN")]),
        (b">a\nAC", [("a", "AC")]),
        (b">a\n>b\nAC\n>c\n", [("a", ""), ("b", "AC"), ("c", "")]),
        (b">a", [("a", "")]),
        (b">\nAC\n", [("", "AC")]),
        (b"> a b|c, d > e \nAC-GU\n", [("a b|c, d > e", "AC-GU")]),
        (">Côte d'Ivoire/1\nAC\n".encode(), [("Côte d'Ivoire/1", "AC")]),
        (b">a\nAC\xffJ*\n", [("a", "AC\xffJ*")]),
        (b">a\rAC\rGT\r>b\rGG\r", [("a", "ACGT"), ("b", "GG")]),
        (b">a\rACGT\r\n>b\nGG\rTT\n", [("a", "ACGT"), ("b", "GGTT")]),
        (b">a\r|2021-01-01\nAC\n>b\r\nGG\n", [("a |2021-01-01", "AC"), ("b", "GG")]),
        (b">a\rACGTXX\r>b\rGG", [("a", "ACGTXX"), ("b", "GG")]),
        (b">a\nAC\n >b\nGG\n\t>c ; note\nTT", [("a", "AC"), ("b", "GG"), ("c ; note", "TT")]),
        (b">a\nAC>b\nGG>c > d\nTT>", [("a", "AC"), ("b", "GG"), ("c > d", "TT"), ("", "")]),
        (b">a\r|c.1A>G\nAC\n>b\rx > y\r>c\rGG", [("a |c.1A>G", "AC"), ("b", "X>Y"), ("c", "GG")]),
        (b"\xef\xbb\xbf>a\nAC\n\xef\xbb\xbf>b\nGG\n", [("a", "AC"), ("b", "GG")]),
        (b"; made by a tool\n;\n\n>a\nAC\n", [("a", "AC")]),
        (b">>a\nAC\n><b>\nGG\n", [(">a", "AC"), ("<b>", "GG")]),
    ],
)
def test_untidy_files(read, data, records):
    assert read(data) == records


@pytest.mark.parametrize("shift", range(-3, 4))
def test_header_at_the_border_of_two_blocks(read, shift):
    sequence = "A" * (BLOCK_SIZE - len(">a\n") + shift)
    assert read(f">a\n{sequence}\n>b\nCG\n".encode()) == [("a", sequence), ("b", "CG")]


@pytest.mark.parametrize("compress", COMPRESSORS.values(), ids=COMPRESSORS)
def test_record_longer_than_many_blocks(read, compress):
    line = "ACGTTGCAAC" * 7
    lines = 5 * BLOCK_SIZE // len(line)
    assert read(compress(b">long\n" + f"{line}\n".encode() * lines + b">b\nCG\n")) == [
        ("long", line * lines),
        ("b", "CG"),
    ]


def test_bytes_of_a_header_that_are_no_utf8_are_kept(read):
    _, record, _ = read(b">a\nAC\n>C\xf4te\nGG\n>b\nTT\n")
    assert record.name.encode("utf-8", "surrogateescape") == b"C\xf4te" and record.sequence == "GG"


@pytest.mark.parametrize("compress", COMPRESSORS.values(), ids=COMPRESSORS)
@pytest.mark.parametrize("data", [b"", b" \r\n\n", b"\xef\xbb\xbf"])
def test_empty_file(read, compress, data):
    with pytest.raises(InputError, match="genomes.txt is empty"):
        read(compress(data))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<!DOCTYPE html><html>Sign in</html>", "no FASTA file: .*DOCTYPE.*web page"),
        (b"@read\nACGT\n+\nIIII\n", "no FASTA file: it begins with b'@read"),
        (b"PK\x03\x04zip", "no FASTA file"),
        (">a\nAC\n".encode("utf-16"), "no FASTA file: .*save it as UTF-8"),
        (b"ACGT\n", "no FASTA file"),
    ],
)
@pytest.mark.parametrize("compress", COMPRESSORS.values(), ids=COMPRESSORS)
def test_what_is_no_fasta(read, compress, data, words):
    with pytest.raises(InputError, match=words):
        read(compress(data))


@pytest.mark.parametrize("compress", REAL_COMPRESSORS.values(), ids=REAL_COMPRESSORS)
def test_truncated_at_any_byte(tmp_path, compress):
    records = [(f"r{i}", "ACGT" * i) for i in range(40)]
    whole = compress("".join(f">{name}\n{sequence}\n" for name, sequence in records).encode())
    path = tmp_path / "cut.fasta"
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError, match=r"cut.fasta is (empty|truncated or damaged|no FASTA file)"):
            list(read_fasta(path))


@pytest.mark.parametrize("compress", REAL_COMPRESSORS.values(), ids=REAL_COMPRESSORS)
def test_truncation_names_the_last_whole_record(tmp_path, compress):
    rng = np.random.default_rng(1)
    # Several blocks, so that records come before the damage is met.
    data = b"".join(b">r%d\n%b\n" % (i, rng.choice(list(b"ACGT"), 30_000).astype(np.uint8)) for i in range(90))
    path = tmp_path / "cut.fasta"
    path.write_bytes(compress(data)[:-1])
    seen = []
    with pytest.raises(InputError, match="truncated or damaged") as raised:
        seen.extend(record.name for record in read_fasta(path))
    assert seen
    assert f"the last whole record is '{seen[-1]}'" in str(raised.value)


@pytest.mark.parametrize("compress", REAL_COMPRESSORS.values(), ids=REAL_COMPRESSORS)
def test_damaged_inside(tmp_path, compress):
    data = bytearray(compress("".join(f">r{i}\n{'ACGT' * i}\n" for i in range(300)).encode()))
    data[20:60] = b"\xff" * 40
    (tmp_path / "bad.fasta").write_bytes(data)
    with pytest.raises(InputError, match="bad.fasta is (truncated or damaged|no FASTA)"):
        list(read_fasta(tmp_path / "bad.fasta"))


names = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zs", "Zl", "Zp")), min_size=1)
sequences = st.text("ACGTRYN-acgtu*", max_size=80)


@given(
    records=st.lists(st.tuples(names, sequences), min_size=1, max_size=8),
    width=st.integers(1, 30),
    end=st.sampled_from(["\n", "\r\n", "\n\n"]),
)
def test_reads_what_is_written(tmp_path_factory, records, width, end):
    lines = []
    for name, sequence in records:
        lines += [f">{name}", *(sequence[i : i + width] for i in range(0, len(sequence), width))]
    path = tmp_path_factory.mktemp("fasta") / "a"
    path.write_bytes("".join(line + end for line in lines).encode())
    assert list(read_fasta(path)) == [(name, sequence.upper()) for name, sequence in records]


def test_writer_and_reader_agree(tmp_path):
    records = [("a b", "ACGT"), ("é|1,2", ""), ("c", "N" * 100_000)]
    path = tmp_path / "out.fasta.zst"
    with fasta_writer(path) as write:
        for record in records:
            write(*record)
    assert list(read_fasta(path)) == records
    assert zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes()).startswith(b">a b\nACGT\n>")


def test_failed_writer_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), fasta_writer(tmp_path / "out.fasta.zst") as write:
        write("a", "ACGT")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_reference_is_one_record(tmp_path):
    path = tmp_path / "reference.fasta"
    path.write_text(">a\nAC\n")
    assert read_single(path) == ("a", "AC")
    path.write_text(">a\nAC\n>b\nAC\n")
    with pytest.raises(InputError, match="holds 2 records"):
        read_single(path)
