"""Names of mutations in the protein, by hand and against what is published of variants."""

import pytest

from checkout import ROOT
from spikegeometry.genomes.fasta import read_single
from spikegeometry.genomes.founders import parse_mutation
from spikegeometry.sequences.mutations import aligned_bases, changes, native, protein_mutations, put_back, reverted
from spikegeometry.tables import read_tsv

GENE = "ATGGCTAAATTTGGGCCC"  # M A K F G P
START, END = 21563, 25384


@pytest.mark.parametrize(
    ("projected", "insertions", "deletions", "expected"),
    [
        (GENE, "", "", []),
        ("ATGGTTAAATTTGGGCCC", "", "", ["A2V"]),
        ("ATGGCCAAATTTGGGCCC", "", "", []),  # silent
        ("ATGGCTTAATTTGGGCCC", "", "", ["K3*"]),
        ("ATGGNTAAATTTGGGCCC", "", "", []),  # not known
        ("ATGGCT---TTTGGGCCC", "", "7-9", ["del 3"]),
        ("ATGGCT------GGGCCC", "", "7-12", ["del 3-4"]),
        ("ATGGCTAA-TTTGGGCCC", "", "9-9", ["frameshift from 3"]),
        (GENE, "6:GAA", "", ["ins 2 E"]),
        (GENE, "7:GAA", "", ["ins 2 3 bases"]),
        (GENE, "6:GAAC", "", ["ins 2 4 bases"]),
        ("ATGGTT---TTTGGGCAC", "12:TTTTTT;15:AAA", "7-9", ["A2V", "del 3", "ins 4 FF", "ins 5 K", "P6H"]),
    ],
)
def test_by_hand(projected, insertions, deletions, expected):
    assert protein_mutations(projected, insertions, deletions, GENE) == expected


@pytest.mark.parametrize(
    ("projected", "insertions", "deletions", "expected"),
    [
        (GENE, "", "", []),
        ("ATGGTTAAATTTGGGCCC", "", "", [("A2V", (4,))]),
        ("ATGGCCAAATTTGGGCCC", "", "", [("A2 silent", (5,))]),
        ("ATGGTCAAATTTGGGCCC", "", "", [("A2V", (4, 5))]),
        ("ATGGNNAAATTTGGGCCC", "", "", []),
        ("ATGGTNAAATTTGGGCCC", "", "", [("A2?", (4,))]),
        ("ATGGCT------GGGCCC", "", "7-12", [("del 3-4", (6, 7, 8, 9, 10, 11))]),
        (
            "ATGGTT---TTTGGGCAC",
            "12:TTTTTT",
            "7-9",
            [("A2V", (4,)), ("del 3", (6, 7, 8)), ("ins 4", ()), ("P6H", (16,))],
        ),
    ],
)
def test_changes_by_hand(projected, insertions, deletions, expected):
    found = changes(projected, insertions, deletions, GENE)
    assert [(change.name, change.bases) for change in found] == expected
    one_left = [put_back(projected, insertions, GENE, [change]) for change in found]
    for (sequence, inserted), change in zip(one_left, found, strict=True):
        different = {place for place in range(len(GENE)) if sequence[place] != projected[place]}
        assert different == set(change.bases) and (inserted == insertions) == (change.insertion is None)
    restored, inserted = put_back(projected, insertions, GENE, found)
    assert all(new in (old, "N") for old, new in zip(GENE, restored, strict=True)) and inserted == ""


def test_the_sequence_itself():
    assert native("ATGGTT---TTTGGGCAC", "12:TTTTTT;18:GA") == "ATGGTTTTTTTTTTTGGGCACGA"
    assert native("NN-A", "") == "NNA"


@pytest.mark.parametrize(
    ("projected", "insertions", "expected"),
    [
        ("ACGT", "", [1, 2, 3, 4]),
        ("A--T", "", [1, 4]),
        ("ACGT", "2:GG", [1, 2, 2, 2, 3, 4]),
        ("A--T", "0:C;3:GG;4:A", [1, 1, 3, 3, 4, 4]),
    ],
)
def test_each_base_is_aligned_with_one_of_the_gene(projected, insertions, expected):
    assert aligned_bases(projected, insertions) == expected
    assert len(expected) == len(native(projected, insertions))


def test_what_a_model_reads_without_each_mutation():
    given = ("ATGGTT---TTTGGGCCC", "12:GAA", "7-9", GENE)  # A2V, K3 lost, E inserted after F4
    found, texts = reverted(*given, is_projected=True)
    assert [one.name for one in found] == ["A2V", "del 3"]
    assert texts == ["ATGGTT---TTTGGGCCC", "ATGGCT---TTTGGGCCC", "ATGGTTAAATTTGGGCCC"]
    found, texts = reverted(*given, is_projected=False)
    assert [one.name for one in found] == ["A2V", "del 3", "ins 4"]
    assert texts == ["ATGGTTTTTGAAGGGCCC", "ATGGCTTTTGAAGGGCCC", "ATGGTTAAATTTGAAGGGCCC", "ATGGTTTTTGGGCCC"]


# Without either tyrosine of 144 and 145 the protein is the same; it is named by the last, as HGVS does.
PUBLISHED = {
    "B.1.1.7": "del 69-70; del 145; N501Y; A570D; D614G; P681H; T716I; S982A; D1118H",
    "P.1": "L18F; T20N; P26S; D138Y; R190S; K417T; E484K; N501Y; D614G; H655Y; T1027I; V1176F",
}


@pytest.mark.parametrize("founder", PUBLISHED)
def test_spikes_of_variants_are_those_that_are_published(founder):
    genome = read_single(ROOT / "resources/NC_045512.2.fasta").sequence
    table = read_tsv(ROOT / "resources/founders.tsv").set_index("founder")
    projected, deletions = list(genome), []
    for mutation in map(parse_mutation, table.loc[founder, "mutations"].split()):
        if mutation.replacement:
            projected[mutation.start] = mutation.replacement
        elif START <= mutation.start < END:
            projected[mutation.start : mutation.end] = "-" * (mutation.end - mutation.start)
            deletions.append(f"{mutation.start - START + 2}-{mutation.end - START + 1}")
    spike = "".join(projected)[START - 1 : END]
    found = protein_mutations(spike, "", ";".join(deletions), genome[START - 1 : END])
    assert "; ".join(found) == PUBLISHED[founder]
