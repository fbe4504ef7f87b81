"""Bad input ends in a row of rejected.tsv or a clear message, and nothing is lost."""

import gzip
import hashlib
import lzma
import tempfile
from collections import Counter
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from spikegeometry.errors import InputError
from spikegeometry.genomes.collect import collect_genomes
from spikegeometry.genomes.fasta import read_fasta
from spikegeometry.tables import read_tsv

CLEANING = {"min_length": 5, "max_length": 40, "max_n_fraction": 0.5}
CLASSES = ["alpha", "beta"]
# One good genome of each class.
GOOD = ">good1\nACGTACGTAC\n>good2\nGGGTACGTAC\n"
GOOD_LABELS = "name\tclass\ngood1\talpha\ngood2\tbeta\n"


class Cohort:
    """The files that a collection wrote."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.accepted = read_tsv(folder / "accepted.tsv")
        self.rejected = read_tsv(folder / "rejected.tsv")
        self.counts = read_tsv(folder / "counts.tsv")
        self.names = list(self.accepted["accession"])
        self.reasons = dict(zip(self.rejected["accession"], self.rejected["reason"], strict=True))

    def detail(self, accession: str) -> str:
        return self.rejected.set_index("accession")["detail"][accession]


def collect(folder: Path, fasta: str | bytes, labels: str, key: str = "source", classes=CLASSES) -> Cohort:
    """Collect the genomes of a FASTA text and a table of labels."""
    (folder / "in.fasta").write_bytes(fasta.encode() if isinstance(fasta, str) else fasta)
    (folder / "labels.tsv").write_text(labels, encoding="utf-8")
    table = {
        "sequences": str(folder / "in.fasta"),
        "labels": str(folder / "labels.tsv"),
        "name_column": "name",
        "class_column": "class",
        "classes": {},
    }
    out = folder / "out"
    collect_genomes(
        source={"type": "table", "table": table},
        key=key,
        reference="none: only simulated sources read it",
        cleaning=CLEANING,
        classes=classes,
        class_rules=None,
        network={"cache": "unused"},
        seed=1,
        fasta=out / "accepted.fasta.zst",
        accepted=out / "accepted.tsv",
        rejected=out / "rejected.tsv",
        counts=out / "counts.tsv",
        unusable=folder / "unusable.tsv",
    )
    assert not (folder / "unusable.tsv").exists()
    return Cohort(out)


def test_files_of_a_good_cohort(tmp_path):
    cohort = collect(tmp_path, ">good1\nacgtac-guan\n" + GOOD.split(">good1\nACGTACGTAC\n")[1], GOOD_LABELS)
    assert list(read_fasta(cohort.folder / "accepted.fasta.zst")) == [("good1", "ACGTACGTAN"), ("good2", "GGGTACGTAC")]
    first = cohort.accepted.iloc[0]
    assert list(first.index) == [
        *("accession", "class", "rule", "date", "country", "lineage"),
        *("length", "n_fraction", "sha256", "founder"),
    ]
    assert list(first)[:3] + list(first)[6:8] == ["good1", "alpha", "column", 10, 0.1]
    assert first["sha256"] == hashlib.sha256(b"ACGTACGTAN").hexdigest()
    assert list(cohort.rejected.columns) == ["accession", "class", "reason", "detail"]
    assert cohort.rejected.empty
    assert cohort.counts.to_numpy().tolist() == [["alpha", "accepted", 1], ["beta", "accepted", 1]]


@pytest.mark.parametrize(
    ("sequence", "reason"),
    [
        ("", "empty"),
        ("----\n", "empty"),
        ("ACGTXACGT\n", "bad_alphabet"),
        ("ACGT\n", "too_short"),
        ("ACGT" * 11, "too_long"),
        ("N" * 20, "too_many_n"),
    ],
)
def test_sequences_of_no_use(tmp_path, sequence, reason):
    cohort = collect(tmp_path, f">bad\n{sequence}\n{GOOD}", GOOD_LABELS + "bad\talpha\n")
    assert cohort.reasons == {"bad": reason}
    assert cohort.names == ["good1", "good2"]


@pytest.mark.parametrize("name", ["a b", "a,b", "a|b", 'a"b', "a/b (XF)", "NA", "é", "a\tb"])
@pytest.mark.parametrize("good", [True, False])
def test_names_survive(tmp_path, name, good):
    label = '"' + name.replace('"', '""') + '"'
    sequence = "ACGTAAAAAA" if good else ""
    cohort = collect(tmp_path, f">{name}\n{sequence}\n{GOOD}", f"{GOOD_LABELS}{label}\talpha\n")
    if good:
        assert cohort.names == [name, "good1", "good2"]
        assert next(read_fasta(cohort.folder / "accepted.fasta.zst")).name == name
    else:
        assert cohort.reasons == {name: "empty"}


def test_windows_files(tmp_path):
    fasta = ("\ufeff" + GOOD.lower().replace("t", "u")).replace("\n", "\r\n")
    cohort = collect(tmp_path, fasta, "\ufeff" + GOOD_LABELS.replace("\n", "\r\n"))
    assert cohort.names == ["good1", "good2"]
    assert next(read_fasta(cohort.folder / "accepted.fasta.zst")).sequence == "ACGTACGTAC"


@pytest.mark.parametrize(("sequence", "which"), [("ACGTACGTAC", "the same"), ("ACGTAAAAAA", "another")])
def test_duplicate_name(tmp_path, sequence, which):
    cohort = collect(tmp_path, f"{GOOD}>good1\n{sequence}\n", GOOD_LABELS)
    assert cohort.names == ["good1", "good2"]
    assert cohort.reasons == {"good1": "duplicate_name"}
    assert f"with {which} sequence" in cohort.detail("good1")


def test_name_of_a_rejected_record_is_free(tmp_path):
    cohort = collect(tmp_path, f">good1\n{GOOD}", GOOD_LABELS)
    assert cohort.names == ["good1", "good2"]
    assert cohort.reasons == {"good1": "empty"}


def test_same_sequence_in_one_class_is_kept(tmp_path):
    cohort = collect(tmp_path, f"{GOOD}>twin\nacgt-acgtac\n", GOOD_LABELS + "twin\talpha\n")
    assert cohort.names == ["good1", "good2", "twin"]
    assert cohort.accepted["sha256"][0] == cohort.accepted["sha256"][2]


@pytest.mark.parametrize("key", ["source", "external.isolates"])
def test_same_sequence_under_two_classes(tmp_path, key):
    cohort = collect(tmp_path, f"{GOOD}>twin\nACGTACGUAC\n", GOOD_LABELS + "twin\tbeta\n", key)
    assert cohort.names == ["good1", "good2"]
    assert cohort.reasons == {"twin": "duplicate_conflict"}
    assert "that of good1, of class alpha" in cohort.detail("twin")


def test_no_label_no_class_no_name_and_no_sequence(tmp_path):
    fasta = f"{GOOD}>stray\nACGTAAAAAA\n>blank\nACGTAAAAAT\n>\nACGTAAAAAG\n>odd\nACGTAAAACC\n"
    cohort = collect(tmp_path, fasta, GOOD_LABELS + "blank\t\nodd\tkappa\nabsent\tmu\n")
    assert cohort.reasons == {
        "stray": "unlabelled",
        "blank": "unlabelled",
        "": "no_name",
        "odd": "unknown_class",
        "absent": "missing_sequence",
    }
    assert "The config key classes has no kappa" in cohort.detail("odd")


def test_other_is_a_label_of_external_sets_only(tmp_path):
    fasta, labels = f"{GOOD}>x\nACGTAAAAAA\n", GOOD_LABELS + "x\tother\n"
    own = collect(tmp_path, fasta, labels)
    assert own.reasons == {"x": "unknown_class"}
    assert "external test sets only" in own.detail("x")
    assert collect(tmp_path, fasta, labels, "external.isolates").names == ["good1", "good2", "x"]


def test_class_without_record(tmp_path):
    classes = [*CLASSES, "gamma"]
    with pytest.raises(InputError, match=r"class gamma is accepted in source \(none was read\).*config key classes"):
        collect(tmp_path, GOOD, GOOD_LABELS, classes=classes)
    assert not list((tmp_path / "out").iterdir())
    assert collect(tmp_path, GOOD, GOOD_LABELS, "external.isolates", classes).names == ["good1", "good2"]


def test_class_of_which_all_are_rejected(tmp_path):
    with pytest.raises(InputError, match=r"class gamma is accepted in source \(2 empty, 1 too_short\)"):
        collect(
            tmp_path,
            f"{GOOD}>a\n>b\n>c\nA\n",
            GOOD_LABELS + "a\tgamma\nb\tgamma\nc\tgamma\n",
            classes=[*CLASSES, "gamma"],
        )


@pytest.mark.parametrize("key", ["source", "external.isolates"])
def test_nothing_accepted(tmp_path, key):
    with pytest.raises(InputError, match=rf"No genome of {key} is accepted: 1 too_many_n, 1 missing_sequence"):
        collect(tmp_path, ">good1\nNNNNNNNN\n", GOOD_LABELS, key)
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("data", [b"", b"<html>Please log in</html>"])
def test_no_fasta(tmp_path, data):
    with pytest.raises(InputError, match=r"in.fasta is (empty|no FASTA file)"):
        collect(tmp_path, data, GOOD_LABELS)


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress, zstandard.compress])
def test_truncated_file_leaves_no_output(tmp_path, compress):
    data = GOOD + "".join(f">x{i}\n{'ACGTTGCA' * (i % 4)}\n" for i in range(500))
    with pytest.raises(InputError, match="in.fasta is truncated or damaged"):
        collect(tmp_path, compress(data.encode())[:-6], GOOD_LABELS)
    assert not list((tmp_path / "out").iterdir())


sequences = st.one_of(
    st.sampled_from(["", "ACGTACGTAC", "acgtacgtac", "GGGTACGTAC", "NNNNNNNN", "A" * 41, "ACGTJJJ"]),
    st.text("ACGTN-", max_size=12),
)
# Headers of which some are in the table: whole, by their first word, or between pipes.
headers = st.sampled_from(["a", "b", "c", "a more", "x|b|y", "stray", "", "c,d", "e"])
classes = st.sampled_from(["alpha", "beta", "other", "kappa", ""])


@given(
    records=st.lists(st.tuples(headers, sequences), min_size=1, max_size=12),
    labels=st.dictionaries(st.sampled_from(["a", "b", "c", "c,d", "e", "f"]), classes, min_size=1),
)
def test_nothing_is_lost(records, labels):
    fasta = "".join(f">{name}\n{sequence}\n" for name, sequence in records)
    table = "name\tclass\n" + "".join(f"{name}\t{label}\n" for name, label in labels.items())
    # One certain genome, so that the cohort is never refused as a whole.
    with tempfile.TemporaryDirectory() as folder:
        cohort = collect(Path(folder), fasta + ">sure\nTTTTTTTTTT\n", table + "sure\talpha\n", "external.set")
        written = [record.name for record in read_fasta(cohort.folder / "accepted.fasta.zst")]
    read = len(records) + 1
    missing = (cohort.rejected["reason"] == "missing_sequence").sum()
    assert len(cohort.accepted) + len(cohort.rejected) - missing == read
    assert cohort.counts["n"].sum() == read + missing
    assert written == cohort.names
    assert max(Counter(written).values()) == 1
    assert cohort.accepted.groupby("sha256")["class"].nunique().max() == 1


@pytest.mark.parametrize("folder", ["lineages", "isolates"])
def test_real_genomes_are_all_accepted(shared_data, tmp_path, folder):
    out = tmp_path / "out"
    source = {
        "type": "table",
        "table": {
            "sequences": [str(shared_data / folder / "genomes.fasta.zst")],
            "labels": str(shared_data / folder / "labels.tsv"),
            "name_column": "name",
            "class_column": "class",
            "classes": {},
        },
    }
    collect_genomes(
        source=source,
        key=f"external.{folder}",
        reference="none: only simulated sources read it",
        cleaning={"min_length": 3000, "max_length": 40_000, "max_n_fraction": 0.8},
        classes=["alpha", "beta", "gamma", "delta", "lambda", "mu", "omicron", "gh"],
        class_rules=None,
        network={"cache": "unused"},
        seed=1,
        fasta=out / "accepted.fasta.zst",
        accepted=out / "accepted.tsv",
        rejected=out / "rejected.tsv",
        counts=out / "counts.tsv",
        unusable=out / "unusable.tsv",
    )
    cohort = Cohort(out)
    assert len(cohort.accepted) == {"lineages": 3585, "isolates": 60}[folder]
    assert cohort.rejected.empty
    letters = set().union(*(record.sequence for record in read_fasta(out / "accepted.fasta.zst")))
    assert letters == {"lineages": set("ACGT"), "isolates": set("ACGTKNRY")}[folder]


def test_background_genomes_of_a_class_are_rejected(tmp_path):
    labels = "name\tclass\ngood1\tother\ngood2\tbeta\n"
    cohort = collect(tmp_path, GOOD, labels, key="source.background")
    assert cohort.names == ["good1"]
    assert cohort.reasons == {"good2": "unknown_class"}
    assert cohort.detail("good2") == "A background genome is of none of the classes, this one is beta."


def test_a_background_without_a_genome_stops(tmp_path):
    with pytest.raises(InputError, match=r"No genome of source\.background is accepted: 2 unknown_class"):
        collect(tmp_path, GOOD, GOOD_LABELS, key="source.background")
