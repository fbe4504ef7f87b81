"""Trees in Auspice's JSON, on trees written by hand and on real ones."""

import gzip
import json

import pytest

from checkout import ROOT
from loopback import File, serving
from spikegeometry.errors import InputError
from spikegeometry.genomes.auspice import class_names, collection_date, read_tips, read_tree, subtrees, tip_values
from spikegeometry.genomes.fasta import read_fasta, read_single
from spikegeometry.genomes.remote import Remote
from spikegeometry.genomes.tips import read_auspice

SHARED = ROOT.parent / "shared/data/nextclade"
real = pytest.mark.skipif(not SHARED.exists(), reason="needs the real genomes of ../shared/data")


def node(name, mutations=(), children=(), **attributes):
    found = {"name": name, "branch_attrs": {"mutations": {"nuc": list(mutations)}}}
    found["node_attrs"] = {key: {"value": value} for key, value in attributes.items()}
    return found | ({"children": list(children)} if children else {})


def tree(root, **more):
    return {"version": "v2", "meta": {"colorings": [{"key": "clade"}, {"key": "gt"}]}, "tree": root} | more


#        1234567890
ROOT_SEQUENCE = "ACGTACGTAC"
TREE = tree(
    node(
        "root",
        (),
        [
            node(
                "inner",
                ["A1T", "G3-"],
                [
                    node("a", ["T1G", "-3A"], clade="X.1", date="2021-02-XX", country="Peru", accession="AC1"),
                    node("b", ["C10N"], clade="X.2"),
                ],
            ),
            node("c", ["T4C", "C6-", "G7-"], clade="Y/1"),
            node("d", ["A2C"], clade="Y/1"),
            node("e", ["A11C"], clade="unassigned"),
            node("f", (), [node("g", ["A5C", "C5T"], clade="Y/1")]),
        ],
    ),
    root_sequence={"nuc": ROOT_SEQUENCE},
)


def test_genomes_of_tips():
    tips = {tip.name: tip for tip in read_tips(TREE, "N" * 10)}
    assert list(tips) == ["a", "b", "c", "d", "e", "g"]
    # G stands where the branch above put T, A where it had deleted.
    assert tips["a"].sequence == "GCATACGTAC"
    assert tips["b"].sequence == "TC-TACGTAN"
    # Nothing of one subtree is left in the next.
    assert tips["c"].sequence == "ACGCA--TAC"
    assert tips["g"].sequence == "ACGTTCGTAC"
    assert [tip.name for tip in tips.values() if tip.problem] == ["d", "e"]
    assert tips["d"].problem == "A2C contradicts the branch above, which has C there"
    assert tips["e"].problem == "A11C is no mutation of a genome of 10 bases"


def test_a_tree_without_root_sequence_begins_with_the_reference():
    without = {key: value for key, value in TREE.items() if key != "root_sequence"}
    assert next(read_tips(without, ROOT_SEQUENCE)).sequence == "GCATACGTAC"


def test_a_contradiction_spoils_all_tips_behind_it():
    spoilt = tree(node("root", (), [node("inner", ["C1A"], [node("a"), node("b")]), node("c")]))
    assert [bool(tip.problem) for tip in read_tips(spoilt, "ACGT")] == [True, True, False]


def test_a_ladder_of_thousands_of_branches():
    last = node("tip", ["A1C"])
    for number in range(5000):
        last = node(f"inner {number}", (), [last, node(f"other {number}")])
    tips = list(read_tips(tree(last), "A"))
    assert len(tips) == 5001
    assert sorted({tip.sequence for tip in tips}) == ["A", "C"]


@pytest.mark.parametrize("packed", [False, True])
def test_reading(tmp_path, packed):
    path = tmp_path / "tree.json"
    text = json.dumps(TREE).encode()
    path.write_bytes(gzip.compress(text) if packed else text)
    assert read_tree(path) == TREE


def test_a_root_sequence_in_a_file_beside_the_tree(tmp_path):
    without = {key: value for key, value in TREE.items() if key != "root_sequence"}
    (tmp_path / "rsv.json").write_text(json.dumps(without))
    (tmp_path / "rsv_root-sequence.json").write_text(json.dumps({"nuc": ROOT_SEQUENCE, "F": "MK"}))
    assert next(read_tips(read_tree(tmp_path / "rsv.json"), "N" * 10)).sequence == "GCATACGTAC"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<!DOCTYPE html><html></html>", "is a web page"),
        ("{", "is no JSON"),
        (json.dumps({"strain": "root", "children": []}), "is a tree of version 1"),
        (json.dumps({"genomes": []}), "is no tree of Auspice"),
        (json.dumps(tree(node("root", (), [node("a"), node("b")]))), "has no mutations of nucleotides"),
    ],
)
def test_files_that_are_no_tree(tmp_path, text, message):
    path = tmp_path / "tree.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_tree(path)


def test_a_colouring_that_is_not_there():
    assert tip_values(TREE, "clade", "tree.json") == ["X.1", "X.2", "Y/1", "Y/1", "unassigned", "Y/1"]
    with pytest.raises(InputError, match="no tip of tree.json has lineage.\nIt has: clade."):
        tip_values(TREE, "lineage", "tree.json")


def test_names_of_classes():
    values = ["A.D.1", "A.D", "DENV2/S", "unassigned", "", "--", "A.D.1.3"]
    assert class_names(values, {}) == ["A.D.1", "A.D", "DENV2-S", "", "", "", "A.D.1.3"]
    # The longest pattern counts.
    assert class_names(values, {"A.D*": "AD", "A.D.1*": "AD1"}) == ["AD1", "AD", "DENV2-S", "", "", "", "AD1"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["A/1", "B", "A 1"], "A 1 and A/1 of the colouring would both be the class A-1"),
        (["B", "α"], "α has no letter that a class can have"),
    ],
)
def test_values_become_one_class_by_the_configuration_alone(values, message):
    with pytest.raises(InputError, match=message):
        class_names(values, {})
    assert class_names(values, dict.fromkeys(values, "one")) == ["one"] * len(values)
    assert class_names(["A/1", "A/1"], {}) == ["A-1", "A-1"]


def test_a_value_without_letters_has_the_class_that_the_configuration_gives_it():
    assert class_names(["--", "/", "A"], {}) == ["", "", "A"]
    assert class_names(["--", "/", "A"], {"--": "none-of-them"}) == ["none-of-them", "", "A"]


def test_subtrees_hold_at_most_a_share_of_a_class():
    """Twenty tips of class x: eight in one subtree of two halves, the others alone; y is among the halves."""
    half = [
        node(f"h{number}", (), [*(node(f"h{number}.{tip}") for tip in range(4)), node(f"y{number}")])
        for number in (0, 1)
    ]
    grown = tree(node("root", (), [node("eight", (), half), *(node(f"alone {tip}") for tip in range(12))]))
    names = ["x"] * 4 + ["y"] + ["x"] * 4 + ["y"] + ["x"] * 12
    fifth = subtrees(grown, names, 0.2)
    assert fifth[:5] == ["h0"] * 5, "four of twenty x are a fifth, and one y is the fewest"
    assert fifth[5:10] == ["h1"] * 5
    assert fifth[10:] == [f"alone {tip}" for tip in range(12)]
    assert subtrees(grown, names, 0.4)[:5] == [*["eight"] * 4, "h0"]
    assert subtrees(grown, names, 0.1)[:2] == ["h0.0", "h0.1"]
    assert set(subtrees(grown, names, 1)) == {"root"}


@pytest.mark.parametrize(
    ("attributes", "date"),
    [
        ({"date": "2021-02-XX"}, "2021-02-XX"),
        ({"date": "2021"}, "2021"),
        ({"num_date": "2021.0"}, "2021-01-01"),
        ({"num_date": "2020.5"}, "2020-07-02"),  # 366 days: the 184th
        ({"date": "2021.999"}, "2021-12-31"),
        ({"date": "spring"}, "spring"),
        ({}, ""),
    ],
)
def test_dates(attributes, date):
    assert collection_date(attributes) == date


def genomes(tmp_path, classes, **changed):
    (tmp_path / "tree.json").write_text(json.dumps(TREE))
    (tmp_path / "reference.fasta").write_text(f">r\n{ROOT_SEQUENCE}\n")
    block = {"tree": str(tmp_path / "tree.json"), "class_by": "clade", "classes": {}, "sequences": None} | changed
    remote = Remote(tmp_path / "cache", 0, 1, 1, 1, True)
    return list(read_auspice(block, tmp_path / "reference.fasta", classes, remote, "source.auspice"))


def test_genomes_and_why_others_are_none(tmp_path):
    found = {genome.accession: genome for genome in genomes(tmp_path, ["X.1", "Y-1"])}
    assert (found["a"].class_name, found["a"].date, found["a"].country) == ("X.1", "2021-02-XX", "Peru")
    assert found["c"].sequence == "ACGCA--TAC"
    reasons = {name: genome.rejection.reason for name, genome in found.items() if genome.rejection}
    assert reasons == {"b": "no_class_of_the_run", "d": "contradicts_tree", "e": "contradicts_tree"}


def test_in_an_external_set_the_others_are_of_the_class_other(tmp_path):
    found = genomes(tmp_path, ["X.1", "other"])
    assert [(one.accession, one.class_name) for one in found if not one.rejection] == [
        ("a", "X.1"),
        ("b", "other"),
        ("c", "other"),
        ("g", "other"),
    ]


def test_sequences_of_their_own_by_name_or_accession(tmp_path):
    path = tmp_path / "sequences.fasta"
    path.write_text(">AC1_X\nGGGG\n>c some words\nCCCC\n>z\nAAAA\n")
    found = genomes(tmp_path, ["X.1", "X.2", "Y-1"], sequences=str(path))
    assert [(one.accession, one.class_name, one.sequence) for one in found if not one.rejection] == [
        ("AC1_X", "X.1", "GGGG"),
        ("c some words", "Y-1", "CCCC"),
    ]
    assert [one.rejection.reason for one in found if one.rejection] == ["no_tip"]
    path.write_text(">z\nAAAA\n")
    with pytest.raises(InputError, match="no sequence of .* is called as a tip"):
        genomes(tmp_path, ["X.1"], sequences=str(path))


def test_a_tree_behind_a_url(tmp_path):
    """Fetched whole though the first connection is cut; a page of the server is no tree, and named by its address."""
    (tmp_path / "reference.fasta").write_text(f">r\n{ROOT_SEQUENCE}\n")
    with serving() as server:
        server.files["rsv.json"] = File(gzip.compress(json.dumps(TREE).encode()), cuts=[100])
        server.files["page"] = File(b"<html>Not here</html>")
        remote = Remote(tmp_path / "cache", retries=2, backoff=0.01, per_second=1000)
        block = {"class_by": "clade", "classes": {}, "sequences": None}

        def read(path):
            given = (block | {"tree": server.url(path)}, tmp_path / "reference.fasta", ["X.1", "Y-1"], remote, "source")
            return list(read_auspice(*given))

        assert [genome.sequence for genome in read("rsv.json")][:1] == ["GCATACGTAC"]
        with pytest.raises(InputError, match=f"{server.url('page')} is a web page"):
            read("page")


@real
@pytest.mark.parametrize(("name", "tips"), [("rsv-a", 1677), ("dengue", 1509)])
def test_real_trees_contradict_themselves_nowhere(name, tips):
    folder = SHARED / name
    found = list(read_tips(read_tree(folder / "tree.json"), read_single(folder / "reference.fasta").sequence))
    assert len(found) == tips
    assert not [tip.name for tip in found if tip.problem]


@real
def test_rebuilt_genomes_are_those_that_were_deposited():
    """Of RSV-A: by the longest stretches that both have; what differs lies in stretches of N and at the ends."""
    folder = SHARED / "rsv-a"
    tree = read_tree(folder / "tree.json")
    by_accession = {tip.attributes.get("accession"): tip for tip in read_tips(tree, "")}
    compared = 0
    for record in read_fasta(folder / "sequences.fasta"):
        if tip := by_accession.get(record.name):
            compared += 1
            pieces = [piece for piece in record.sequence.upper().split("N") if len(piece) > 30]
            rebuilt = tip.sequence.replace("-", "")
            # Nextstrain masks no place of RSV; insertions against the reference are not in a tree.
            kept = sum(len(piece[at : at + 30]) for piece in pieces for at in range(0, len(piece), 30))
            found = sum(
                len(piece[at : at + 30])
                for piece in pieces
                for at in range(0, len(piece), 30)
                if piece[at : at + 30] in rebuilt
            )
            assert found / kept > 0.97, record.name
    assert compared >= 3
