"""Pango lineages, and classes by rules."""

import csv
import json

import pytest

from checkout import ROOT
from spikegeometry.errors import InputError
from spikegeometry.genomes.classification import ClassRules, Labelled, read_class_rules
from spikegeometry.genomes.cleaning import Rejection
from spikegeometry.genomes.compression import open_decompressed
from spikegeometry.genomes.lineages import Lineages, UnknownLineage, read_lineages

ALIASES = {
    "A": "",
    "B": "",
    "AY": "B.1.617.2",
    "BA": "B.1.1.529",
    "JN": "BA.2.86.1",
    "KP": "JN.1.11.1",
    "XE": ["BA.1*", "BA.2*"],
    "XD": ["B.1.617.2*", "BA.1*"],
    "XZZ": ["XE", "BA.5"],
    "EG": "XE.1.9",
}
LINEAGES = Lineages(ALIASES)


RULES, TABLE_OF_ALIASES = ROOT / "resources/class_rules.tsv", ROOT / "resources/pango_aliases.json"


@pytest.fixture(scope="module")
def shipped():
    return read_class_rules(RULES, TABLE_OF_ALIASES)


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("B.1.1.7", "B.1.1.7"),
        ("AY.4.2", "B.1.617.2.4.2"),
        ("KP.3", "B.1.1.529.2.86.1.1.11.1.3"),
        ("XE.2", "XE.2"),
        ("EG.5", "XE.1.9.5"),
        ("A", "A"),
    ],
)
def test_full_name(name, full):
    assert LINEAGES.expand(name) == full


@pytest.mark.parametrize("name", ["", "QQ.1", "B.1.", "B..1", "B.1.x", "b.1", "<html>", "B.1.1.7 "])
def test_no_lineage(name):
    with pytest.raises(UnknownLineage, match="no Pango lineage"):
        LINEAGES.expand(name)


@pytest.mark.parametrize(
    ("name", "ancestor", "descends"),
    [
        ("AY.4", "B.1.617.2", True),
        ("B.1.617.2", "B.1.617.2", True),
        ("B.1.617.20", "B.1.617.2", False),
        ("B.1.617", "B.1.617.2", False),
        ("KP.3", "BA.2", True),
        ("XE", "B.1.1.529", True),
        ("XE.3", "B.1.1.529", True),
        ("XD", "B.1.1.529", False),
        ("XD", "B.1.617.2", False),
        ("XZZ.1", "B.1.1.529", True),
        ("EG.5.1", "B.1.1.529", True),
        ("EG.5.1", "XE", True),
    ],
)
def test_descent(name, ancestor, descends):
    assert LINEAGES.descends(name, ancestor) is descends


def rules(*given):
    return ClassRules(list(given), LINEAGES)


def test_the_most_specific_lineage_rule_decides():
    both = rules(("omicron", "pango", "BA*"), ("jn", "pango", "JN.1*"), ("only", "pango", "JN.1.5"))
    assert both.classify({"pango": "BA.5"}) == Labelled("omicron", "pango:BA*")
    assert both.classify({"pango": "KP.3"}) == Labelled("jn", "pango:JN.1*")
    assert both.classify({"pango": "JN.1.5"}) == Labelled("only", "pango:JN.1.5")
    assert both.classify({"pango": "JN.1.5.1"}) == Labelled("jn", "pango:JN.1*")


def test_what_no_rule_matches_is_other_only_where_it_is_known():
    by = rules(("delta", "pango", "AY*"), ("delta", "gisaid_clade", "GK"), ("delta", "nextstrain_clade", "21J"))
    assert by.classify({"pango": "B.1"}) == Labelled("other", "pango:B.1")
    assert by.classify({"nextstrain_clade": "20A"}).reason == "unknown_clade"
    assert by.classify({"nextstrain_clade": "20A", "pango": "AY.4"}) == Labelled("delta", "pango:AY*")
    assert by.classify({"gisaid_clade": "GH"}).reason == "unlabelled"
    assert by.classify({"gisaid_clade": "GH", "pango": "AY.4"}) == Labelled("delta", "pango:AY*")


def test_rules_that_agree_are_both_named():
    by = rules(("delta", "pango", "AY*"), ("delta", "nextstrain_clade", "21J"))
    found = by.classify({"pango": "AY.4", "nextstrain_clade": "21J (Delta)"})
    assert found == Labelled("delta", "pango:AY*;nextstrain_clade:21J")


def test_contradiction_is_rejected_with_both_sides():
    by = rules(("delta", "pango", "AY*"), ("mu", "nextstrain_clade", "21H"))
    found = by.classify({"pango": "AY.4", "nextstrain_clade": "21H (Mu)"})
    assert found == Rejection("class_conflict", "pango AY.4 says delta, nextstrain_clade 21H (Mu) says mu.")


@pytest.mark.parametrize("value", ["", " ", "None", "Unassigned", "?", "nan", "-", "N/A", "not assigned", "NULL"])
def test_nothing_assigned(value):
    found = rules(("delta", "pango", "AY*")).classify({"pango": value})
    assert found.reason == "unlabelled"


def test_unknown_alias_says_what_to_do_unless_another_field_decides():
    by = rules(("delta", "pango", "AY*"), ("delta", "gisaid_clade", "GK"))
    found = by.classify({"pango": "QQ.7"})
    assert found.reason == "unknown_lineage" and "class_rules.aliases" in found.detail
    assert by.classify({"pango": "QQ.7", "gisaid_clade": "GK"}) == Labelled("delta", "gisaid_clade:GK")


@pytest.mark.parametrize(
    ("fields", "class_name"),
    [
        ({"pango": "Q.4"}, "alpha"),
        ({"pango": "B.1.640.1"}, "gh"),
        ({"pango": "BB.2"}, "mu"),
        ({"pango": "P.1.14"}, "gamma"),
        ({"pango": "P.2"}, "other"),
        ({"pango": "XBB.1.5"}, "omicron"),
        ({"pango": "XBC.1"}, "other"),
        ({"pango": "KP.3.1.1"}, "omicron"),
        ({"pango": "PY.1"}, "omicron"),
        ({"pango": "RE.2.1"}, "omicron"),
        ({"pango": "XEC.4"}, "omicron"),
        ({"pango": "PQ.2.1"}, "omicron"),
        ({"pango": "XFG.3"}, "omicron"),
        # One of its parents is XBC, of Omicron and Delta.
        ({"pango": "XCU"}, "other"),
        ({"nextstrain_clade": "23A (Omicron)"}, "omicron"),
        ({"gisaid_variant": "Former VOI Lambda GR/452Q.V1 (C.37+C.37.1) first detected in Peru"}, "lambda"),
        ({"gisaid_variant": "Former VOI GH/490R (B.1.640+B.1.640.*) first detected in Congo/France"}, "gh"),
        ({"gisaid_clade": "GRY", "gisaid_variant": "VOC Alpha GRY (B.1.1.7+Q.*)"}, "alpha"),
    ],
)
def test_shipped_rules(shipped, fields, class_name):
    assert shipped.classify(fields).class_name == class_name


CLADES = {
    "alpha": ["20I", "20I (Alpha, V1)", "20I(V1)", "20I [Alpha]", "20I/501Y.V1", "20I/501Y.V1 (B.1.1.7)", "20B/501Y.V1"]
    + ["501Y.V1", "Alpha", "20i"],
    "beta": ["20H", "20H (Beta, V2)", "20H/501Y.V2", "20C/501Y.V2", "Beta (B.1.351)"],
    "gamma": ["20J", "20J (Gamma, V3)", "20J/501Y.V3", "Gamma"],
    "delta": ["21A", "21A (Delta)", "21I (Delta)", "21J (Delta)", "20A/S:478K", "20A/S.478K", "21A/S:478K", "DELTA"],
    "lambda": ["21G", "21G (Lambda)", "Lambda"],
    "mu": ["21H", "21H (Mu)", "Mu"],
    "omicron": ["21K", "21K (BA.1)", "21L (Omicron)", "21M (B.1.1.529)", "22B (BA.5)", "23A", "24A (JN.1)"]
    + ["26A (XFG.1.1)", "Omicron (BA.2)"],
    "other": ["19A", "19B", "20A", "20A.EU2", "20A.EU1", "20B", "20C", "20D", "20E (EU1)", "20E", "20F", "20G"]
    + ["21B (Kappa)", "21C (Epsilon)", "21D (Eta)", "21E (Theta)", "21F (Iota)", "20A/18877T"]
    + ["20C/452R (B.1.427+B.1.429)", "20C/S:452R", "20A/S:439K", "20B/S:1122L", "20B/S.484K", "20A/S:154K"]
    + ["21B/S:154K", "19B/367F (A.23.1)", "A2a", "B1", "Kappa"],
}


@pytest.mark.parametrize(("class_name", "clade"), [(name, clade) for name in CLADES for clade in CLADES[name]])
def test_clades_of_the_whole_history(shipped, class_name, clade):
    """Names of clades.tsv, emerging_clades.tsv, subclades.tsv and clade_display_names.yml of nextstrain/ncov, of the
    renaming of January 2021, and of CoVariants, with the Pango lineages that they give."""
    assert shipped.classify({"nextstrain_clade": clade}).class_name == class_name


UNKNOWN_CLADES = ["recombinant", "Recombinant", "20A/154K (B.1.617)", "20A/S:999K", "21Z", "GRY", "B.1.1.7", "(x)"]


@pytest.mark.parametrize("clade", UNKNOWN_CLADES)
def test_a_clade_that_no_rule_names_is_unknown_and_no_evidence_for_other(shipped, clade):
    found = shipped.classify({"nextstrain_clade": clade})
    assert found.reason == "unknown_clade" and repr(clade) in found.detail
    assert shipped.classify({"nextstrain_clade": clade, "pango": "Q.1"}).class_name == "alpha"


def test_recombinants_beside_a_clade(shipped):
    """Every recombinant has the class of its parents where they are of one, and is other where they are not."""
    aliases = json.loads(TABLE_OF_ALIASES.read_text(encoding="utf-8"))

    def class_of(name):
        whole = aliases[name.partition(".")[0].rstrip("*")]
        if isinstance(whole, list):
            classes = {class_of(parent.rstrip("*")) for parent in whole}
            return classes.pop() if len(classes) == 1 else "other"
        return shipped.classify({"pango": name}).class_name

    recombinants = [name for name, whole in aliases.items() if isinstance(whole, list)]
    expected = {name: class_of(name) for name in recombinants}
    found = {name: shipped.classify({"pango": f"{name}.1", "nextstrain_clade": "recombinant"}) for name in recombinants}
    assert {name: label.class_name for name, label in found.items()} == expected
    assert [expected[name] for name in ("XE", "XBF", "XDD", "XCT", "XBC", "XD", "XA")] == ["omicron"] * 4 + [
        "other"
    ] * 3


@pytest.mark.parametrize(
    ("value", "class_name"),
    [
        ("XBB.1.5 (marker override based on Emerging Variants AA substitutions)", "omicron"),
        ("B.1.1.7 [Alpha]", "alpha"),
        ("AY.4 - Delta", "delta"),
        ("q.4", "alpha"),
        ("B.1.1.7(consensus call", "alpha"),
        ("B.1 (was B.1.1.7)", "other"),
    ],
)
def test_text_behind_a_lineage_is_cut(shipped, value, class_name):
    assert shipped.classify({"pango": value}).class_name == class_name
    assert shipped.is_of(value, f"{value.upper().split()[0].split('(')[0]}*")


@pytest.mark.parametrize(
    "value", ["B.1.1.7 + AY.4", "BA.1/BA.2", "B.1.1.7,AY.4", "XE or XF", "BA.2*", "Omicron", "BA.1-like", "(x)"]
)
def test_no_lineage_or_more_than_one_is_unknown(shipped, value):
    found = shipped.classify({"pango": value})
    assert found.reason == "unknown_lineage" and not shipped.is_of(value, "A*")


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("JN.1", "B.1.1.529.2.86.1.1"),
        ("KP.2", "B.1.1.529.2.86.1.1.11.1.2"),
        ("MB.1", "B.1.1.529.2.86.1.1.49.1.1"),
        ("LF.7", "B.1.1.529.2.86.1.1.16.1.7"),
        ("NW.1", "B.1.1.529.2.86.1.1.11.1.1.1.3.8.1.2.1"),
        ("RE.2", "B.1.1.529.3.2.2.2"),
        ("XEC.2", "XEC.2"),
        ("PT.1", "XEC.4.1.1.1"),
        ("SA.1", "XDV.1.5.1.1.8.1.10.1.3.1"),
    ],
)
def test_full_name_by_the_shipped_table(name, full):
    assert read_lineages(TABLE_OF_ALIASES, "class_rules.aliases").expand(name) == full


def test_shipped_table_of_aliases_is_sound():
    """A name has at most three numbers, the fourth begins a new alias; what an alias is short for is in the table."""
    aliases = json.loads(TABLE_OF_ALIASES.read_text(encoding="utf-8"))
    lineages = Lineages(aliases)
    parents = [parent.rstrip("*") for value in aliases.values() if isinstance(value, list) for parent in value]
    assert all(map(lineages.expand, parents))
    assert [name for name in aliases if lineages.expand(name).count(".") % 3] == []
    whole = [value for value in aliases.values() if isinstance(value, str) and value]
    assert len(set(whole)) == len(whole)


def test_shipped_rules_on_published_lineages(shipped, shared_data):
    """Every lineage gets the class that the published table gives it."""
    with open_decompressed(shared_data / "lineages/labels.tsv") as file:
        labels = list(csv.DictReader(file.read().decode().splitlines(), delimiter="\t"))
    found = {row["name"]: shipped.classify({"pango": row["name"]}) for row in labels}
    assert [name for name, label in found.items() if isinstance(label, Rejection)] == []
    assert [row["name"] for row in labels if found[row["name"]].class_name != row["class"]] == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("class\tby\n", "no column 'pattern'"),
        ("class\tby\tpattern\n", "no rule"),
        ("class\tby\tpattern\nmu\tmoon\tx\n", "line 2.*'moon' is no kind"),
        ("class\tby\tpattern\nmu\tpango\t\n", "line 2.*empty"),
        ("class\tby\tpattern\nmu\tgisaid_clade\t(\n", "line 2.*regular expression"),
        ("class\tby\tpattern\nmu\tpango\tQQQ*\n", "no Pango lineage"),
    ],
)
def test_bad_rules(tmp_path, text, message):
    path = tmp_path / "rules.tsv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_class_rules(path, TABLE_OF_ALIASES)


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"A": 1}', '{"XA": []}', "<html>", '{"A": "B.1", "B": "A.1"}', '{"XA": ["XA"]}', '{"AY": "B.1"}']
    + ["[" * 100_000],
)
def test_bad_aliases(tmp_path, text):
    path = tmp_path / "aliases.json"
    path.write_text(text)
    with pytest.raises(InputError, match="alias_key.json"):
        read_class_rules(RULES, path)
