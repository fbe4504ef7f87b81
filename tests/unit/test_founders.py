"""Mutations are applied as written, and the shipped founders are the lineages whose names they bear."""

from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from spikegeometry.errors import InputError
from spikegeometry.genomes.founders import Founder, Mutation, apply_mutations, parse_mutation, read_founders
from spikegeometry.tables import read_tsv

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
TABLE = RESOURCES / "founders.tsv"
ROWS = {row["founder"]: row for row in read_tsv(TABLE).to_dict("records")}

SPIKE_START, SPIKE_END = 21563, 25384  # 1-based, both included
CODONS = dict(
    zip(
        (first + second + third for first in "TCAG" for second in "TCAG" for third in "TCAG"),
        "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        strict=True,
    )
)


@pytest.fixture(scope="module")
def reference() -> str:
    lines = (RESOURCES / "NC_045512.2.fasta").read_text().splitlines()
    return "".join(lines[1:])


@pytest.fixture(scope="module")
def founders(reference) -> dict[str, Founder]:
    return {founder.name: founder for founder in read_founders(TABLE, reference)}


def applied(reference: str, text: str) -> str:
    return apply_mutations(reference, map(parse_mutation, text.split()))


def mutations_of(name: str) -> list[Mutation]:
    return [parse_mutation(text) for text in ROWS[name]["mutations"].split()]


# Notation


@pytest.mark.parametrize(
    "text, start, end, expected, replacement",
    [
        ("C241T", 240, 241, "C", "T"),
        ("A1G", 0, 1, "A", "G"),
        ("del:21765:6", 21764, 21770, "", ""),
        ("ins:22204:GAGCCAGAA", 22204, 22204, "", "GAGCCAGAA"),
    ],
)
def test_parse(text, start, end, expected, replacement):
    assert parse_mutation(text) == Mutation(text, start, end, expected, replacement)


@pytest.mark.parametrize(
    "text",
    ["", "C241", "241T", "c241t", "C241U", "C241N", "C241-", "C0T", "C241C", "C241T,", "C241T ", "S:N501Y"]
    + ["del:21765", "del:21765-21770", "del:0:3", "del:5:0", "ins:5:", "ins:0:A", "ins:5:ACN", "DEL:5:3"],
)
def test_parse_refuses(text):
    with pytest.raises(InputError, match="is no mutation"):
        parse_mutation(text)


# Application. In the ten bases the 1-based positions are: 1 A, 2 C, 3 G, 4 T, 5 A, 6 C, 7 G, 8 T, 9 A, 10 C.

TEN = "ACGTACGTAC"


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", "ACGTACGTAC"),
        ("G3A", "ACATACGTAC"),
        ("A1T C10G", "TCGTACGTAG"),
        ("del:4:3", "ACGGTAC"),
        ("del:1:2", "GTACGTAC"),
        ("del:9:2", "ACGTACGT"),
        ("del:1:10", ""),
        ("ins:4:TTT", "ACGTTTTACGTAC"),
        ("ins:10:GG", "ACGTACGTACGG"),
        ("C2T del:4:3 ins:8:CC C10A", "ATGGTCCAA"),
        ("C10A ins:8:CC del:4:3 C2T", "ATGGTCCAA"),
        ("ins:4:GG A5C", "ACGTGGCCGTAC"),
        ("T4C ins:4:GG", "ACGCGGACGTAC"),
        ("del:3:2 A5C", "ACCCGTAC"),
        ("del:3:2 ins:4:GGG", "ACGGGACGTAC"),
        ("del:3:2 del:5:2", "ACGTAC"),
    ],
)
def test_apply(text, expected):
    assert applied(TEN, text) == expected


@pytest.mark.parametrize(
    "text, message",
    [
        ("G3A T5C", "T5C: the reference has A there"),
        ("A11C", "A11C lies beyond the end of the reference .10 bases."),
        ("del:9:3", "del:9:3 lies beyond"),
        ("ins:11:A", "ins:11:A lies beyond"),
        ("G3A G3T", "G3T overlaps G3A"),
        ("G3A G3A", "G3A overlaps G3A"),
        ("del:2:4 T4C", "T4C overlaps del:2:4"),
        ("del:2:4 del:5:2", "del:5:2 overlaps del:2:4"),
        ("del:2:4 ins:3:A", "ins:3:A overlaps del:2:4"),
        ("ins:3:A ins:3:C", "ins:3:C overlaps ins:3:A"),
    ],
)
def test_apply_refuses(text, message):
    with pytest.raises(InputError, match=message):
        applied(TEN, text)


@given(st.sets(st.integers(1, 200)), st.randoms(use_true_random=False))
def test_substitutions_change_their_positions_only(positions, random):
    reference = "".join(random.choices("ACGT", k=200))
    changed = {position: random.choice("ACGT".replace(reference[position - 1], "")) for position in positions}
    text = " ".join(f"{reference[position - 1]}{position}{base}" for position, base in changed.items())
    result = applied(reference, text)
    assert {i + 1: b for i, (a, b) in enumerate(zip(reference, result, strict=True)) if a != b} == changed


# Tables


def test_read_founders(tmp_path):
    table = tmp_path / "founders.tsv"
    table.write_bytes("\ufeffclass\tfounder\tmutations\r\nx\tX.1\tG3A  del:4:3\r\nNA\tnull\t\r\n".encode())
    assert read_founders(table, TEN) == [Founder("X.1", "x", "ACAGTAC"), Founder("null", "NA", TEN)]


@pytest.mark.parametrize(
    "content, message",
    [
        ("", "no column 'founder'"),
        ("founder\tclass\nX\tx\n", "no column 'mutations'"),
        ("founder\tclass\tmutations\n", "no founder"),
        ("founder\tclass\tmutations\nX\tx\tG3A\nX\ty\tG3T\n", "line 3: the founder X stands above already"),
        ("founder\tclass\tmutations\nX\t\tG3A\n", "line 2: the founder or its class is empty"),
        ("founder\tclass\tmutations\nX\tx\tG3A T5C\n", "founder X: T5C: the reference has A"),
        ("founder\tclass\tmutations\nX\tx\tS:N501Y\n", "founder X: 'S:N501Y' is no mutation"),
    ],
)
def test_broken_tables_are_refused(tmp_path, content, message):
    table = tmp_path / "founders.tsv"
    table.write_text(content)
    with pytest.raises(InputError, match=message) as error:
        read_founders(table, TEN)
    assert str(table) in str(error.value)


def test_a_table_that_is_no_text_is_refused(tmp_path):
    table = tmp_path / "founders.tsv"
    table.write_bytes(zstandard.compress(b"founder\tclass\tmutations\n"))
    with pytest.raises(InputError, match="UTF-8"):
        read_founders(table, TEN)


# The shipped founders

LINEAGES = {
    "alpha": "B.1.1.7 Q.1 Q.2 Q.3 Q.4",
    "beta": "B.1.351 B.1.351.2 B.1.351.3",
    "gamma": "P.1 P.1.1 P.1.7",
    "delta": "B.1.617.2 AY.4 AY.4.2 AY.44 AY.103 AY.122",
    "lambda": "C.37 C.37.1",
    "mu": "B.1.621 B.1.621.1 BB.2",
    "omicron": "BA.1 BA.1.1 BA.2 BA.2.12.1 BA.2.75 BA.4 BA.5 BQ.1 XBB.1.5 EG.5.1 BA.2.86 JN.1",
    "gh": "B.1.640.1",
}

CLASS_RESIDUES = {
    "alpha": "N501Y A570D D614G T716I S982A D1118H",
    "beta": "D80A D215G K417N E484K N501Y D614G A701V",
    "gamma": "L18F T20N P26S D138Y R190S K417T E484K N501Y D614G H655Y T1027I V1176F",
    "delta": "T19R G142D L452R T478K D614G P681R D950N",
    "lambda": "G75V T76I L452Q F490S D614G T859N",
    "mu": "T95I R346K E484K N501Y D614G P681H D950N",
    "omicron": "S373P S375F K417N N440K S477N T478K Q498R N501Y Y505H D614G H655Y N679K N764K D796Y Q954H N969K",
    "gh": "P9L E96Q R190S R346S N394S Y449N F490R N501Y D614G P681H T859N D936H",
}

FOUNDER_RESIDUES = {
    "B.1.1.7": "P681H",
    "Q.4": "P681R",
    "P.1.7": "P681H",
    "AY.1": "K417N",
    "AY.4.2": "Y145H A222V",
    "BA.1": "A67V G339D S371L G446S E484A Q493R G496S T547K N856K L981F",
    "BA.1.1": "R346K S371L G446S G496S",
    "BA.2": "T19I V213G S371F T376A D405N R408S E484A Q493R",
    "BA.2.12.1": "L452Q S704L",
    "BA.2.75": "K147E W152R F157L I210V G257S G339H G446S N460K R493Q",
    "BA.4": "L452R F486V R493Q",
    "BA.5": "L452R F486V R493Q",
    "BQ.1": "K444T L452R N460K F486V",
    "XBB.1.5": "V83A H146Q Q183E V213E G252V R346T L368I V445P G446S N460K F486P F490S",
    "EG.5.1": "Q52H F456L F486P",
    "BA.2.86": "R21T S50L V127F K356T R403K V445H N450D L452W N481K E484K F486P E554K A570V P621S P681R S939F P1143L",
    "JN.1": "L455S L452W E484K F486P P681R",
}

DELETED_RESIDUES = {"alpha": "del:21765:6 del:21992:3", "beta": "del:22283:9", "delta": "del:22029:6"} | {
    "lambda": "del:22299:21",
    "gh": "del:21968:27",
}

# What insertions make of the protein, and the founders that bear them.
INSERTED_PEPTIDES = {
    "GVTSNHK": {"B.1.621", "B.1.621.1", "BB.2"},  # 143 V, T inserted, Y144S, Y145N
    "VREPEDL": {"BA.1", "BA.1.1"},  # 214 R, EPE inserted, 215 D
    "CVMPLFN": {"BA.2.86", "JN.1"},  # 16 V, MPLF inserted, 17 N
}

# 1273 residues, less the deleted and plus the inserted ones.
PROTEIN_LENGTHS = {
    "alpha": 1273 - 2 - 1,  # 69-70, 144
    "beta": 1273 - 3,  # 241-243
    "gamma": 1273,
    "delta": 1273 - 2,  # 156-157
    "lambda": 1273 - 7,  # 246-252
    "mu": 1273 + 1,
    "gh": 1273 - 9,  # 136-144
    "BA.1": 1273 - 2 - 3 - 1 + 3,  # 69-70, 143-145, 211
    "BA.1.1": 1270,
    "BA.2": 1273 - 3,  # 24-26
    "BA.2.12.1": 1270,
    "BA.2.75": 1270,
    "BA.4": 1273 - 3 - 2,  # 24-26, 69-70
    "BA.5": 1268,
    "BQ.1": 1268,
    "XBB.1.5": 1273 - 3 - 1,  # 24-26, 144
    "EG.5.1": 1269,
    "BA.2.86": 1273 - 3 - 2 - 1 - 1 - 1 + 4,  # 24-26, 69-70, 144, 211, 483
    "JN.1": 1269,
}


def native_index(name: str, position: int) -> int:
    """0-based index in the founder's genome of a base (1-based) of the reference."""
    before = [mutation for mutation in mutations_of(name) if mutation.end < position]
    return position - 1 + sum(len(mutation.replacement) - (mutation.end - mutation.start) for mutation in before)


def spike_of(founder: Founder) -> str:
    """The protein, up to its stop codon."""
    start = native_index(founder.name, SPIKE_START)
    residues = [CODONS[founder.sequence[i : i + 3]] for i in range(start, len(founder.sequence) - 2, 3)]
    return "".join(residues[: residues.index("*")])


def residue(founder: Founder, position: int) -> str:
    """Residue of the founder's spike at a position (1-based) of the reference's."""
    index = native_index(founder.name, SPIKE_START + 3 * (position - 1))
    return CODONS[founder.sequence[index : index + 3]]


def test_every_class_has_its_lineages(founders):
    shipped = {}
    for founder in founders.values():
        shipped.setdefault(founder.class_name, set()).add(founder.name)
    assert shipped.keys() == LINEAGES.keys()
    assert all(shipped[name] >= set(lineages.split()) for name, lineages in LINEAGES.items())


def test_every_founder_differs_from_the_others_and_has_a_source(founders):
    assert len({founder.sequence for founder in founders.values()}) == len(founders)
    assert all(row["source"] for row in ROWS.values())


@pytest.mark.parametrize("name", ROWS)
def test_mutations_are_written_in_order(name):
    starts = [mutation.start for mutation in mutations_of(name)]
    assert starts == sorted(starts)


@pytest.mark.parametrize("name", ROWS)
def test_the_spike_is_in_frame(founders, reference, name):
    protein = spike_of(founders[name])
    assert protein.startswith("MFVFLV")
    assert protein.endswith("KGVKLHYT")
    end = native_index(name, SPIKE_END)
    assert len(protein) * 3 + 3 == end + 1 - native_index(name, SPIKE_START)
    assert founders[name].sequence[end - 2 : end + 9] == reference[SPIKE_END - 3 : SPIKE_END + 8]


@pytest.mark.parametrize("name", ROWS)
def test_defining_residues(founders, name):
    expected = (CLASS_RESIDUES[ROWS[name]["class"]] + " " + FOUNDER_RESIDUES.get(name, "")).split()
    found = [text[:-1] + residue(founders[name], int(text[1:-1])) for text in expected]
    assert found == expected


@pytest.mark.parametrize("name", ROWS)
def test_defining_deletions(name):
    expected = DELETED_RESIDUES.get(ROWS[name]["class"], "").split()
    assert set(expected) <= set(ROWS[name]["mutations"].split())


@pytest.mark.parametrize("peptide, names", INSERTED_PEPTIDES.items())
def test_insertions_in_the_protein(founders, peptide, names):
    assert {founder.name for founder in founders.values() if peptide in spike_of(founder)} == names


def test_lengths_of_the_proteins(founders):
    lengths = {name: len(spike_of(founder)) for name, founder in founders.items()}
    assert lengths == {name: PROTEIN_LENGTHS.get(name) or PROTEIN_LENGTHS[row["class"]] for name, row in ROWS.items()}


# Comparison with the consensus genomes of the lineages. They stand on the reference, base by base: `-` where bases are
# deleted, and without insertions.

# Bases in which the published list and the consensus differ; resources/founders.md names them. All others have none.
DIFFERENCES = {"C.37": 1, "BA.2": 1, "BA.5": 1, "BQ.1": 1, "XBB.1.5": 2, "BA.2.86": 2, "JN.1": 2}


@pytest.fixture(scope="module")
def lineages(shared_data) -> dict[str, str]:
    """Consensus genomes of the founders' lineages."""
    found = {}
    with zstandard.open(shared_data / "lineages" / "genomes.fasta.zst", "rt") as file:
        for line in file:
            if line.startswith(">"):
                name = line[1:].strip()
                found |= {name: ""} if name in ROWS else {}
            elif name in ROWS:
                found[name] += line.strip()
    return found


@pytest.mark.parametrize("name", ROWS)
def test_founders_are_their_lineages(lineages, reference, name):
    assert len(lineages[name]) == len(reference)
    consensus = lineages[name].replace("-", "")
    founder = apply_mutations(reference, [m for m in mutations_of(name) if m.end > m.start])
    assert len(founder) == len(consensus)
    differences = [i + 1 for i, (ours, theirs) in enumerate(zip(founder, consensus, strict=True)) if ours != theirs]
    assert len(differences) == DIFFERENCES.get(name, 0), f"{name} differs from its lineage at its bases {differences}"


def test_classes_are_those_of_the_lineages(shared_data):
    labels = dict(line.split("\t") for line in (shared_data / "lineages" / "labels.tsv").read_text().splitlines())
    assert {name: labels[name] for name in ROWS} == {name: row["class"] for name, row in ROWS.items()}
