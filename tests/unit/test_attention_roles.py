"""Roles of heads: pure patterns, the rules in their order, tables and findings by hand, and the script."""

import numpy as np
import pandas as pd
import pytest
import torch

from pure_maps import PURE, TRUTH, stack
from spikegeometry.analyses.tables.head_roles import layer_means, modal_roles, role_findings
from spikegeometry.errors import InputError
from spikegeometry.figures.attention_roles import draw_attention_roles
from spikegeometry.geometry.attention_roles import PATTERNS, ROLES, role_labels, role_scores
from spikegeometry.geometry.patterns import HETEROGENEOUS, SHARES, UNDEFINED, gate_scores
from spikegeometry.tables import read_tsv
from tiny_run import CLASSES, VERDICTS, absent, run_analysis, write_small_run


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_pure_patterns(dtype):
    labels = role_labels(role_scores(gate_scores(stack(*PURE.values()).to(dtype))))
    assert dict(zip(PURE, labels, strict=True)) == {name: truth[9] for name, truth in TRUTH.items()}


def test_scores_of_pure_patterns():
    scores = role_scores(gate_scores(stack(*PURE.values())))
    found = {name: [scores[role][head].item() for role in ROLES] for head, name in enumerate(PURE)}
    # vertical, diagonal, vertical+diagonal, block, heterogeneous
    expected = {
        "uniform": [0, 0, 0, 0, 1],
        "itself": [0, 1, 0, 0, 0],
        "one column": [1, 0.001, 0.001, 0, 0],
        "four blocks": [0, 0.223, 0, 0.720, 1 - 0.223 - 0.720],
        "shift by half": [0, 0, 0, 0, 1],
        "column and itself": [0.5, 0.501, 0.5, 0.002, 0],
    }
    for name, values in expected.items():
        assert found[name] == pytest.approx(values, abs=1e-3), name


def of_scores(vertical, diag, cluster):
    scores = {"vertical": vertical, "diag": diag, "cluster": cluster}
    return role_labels(role_scores({name: torch.tensor([value]) for name, value in scores.items()}))


@pytest.mark.parametrize(
    ("vertical", "diagonal", "cluster", "role"),
    [
        (0.25, 0.25, 1.0, "vertical+diagonal"),
        (0.25 - 1e-8, 0.25, 0.2, "vertical+diagonal"),
        (0.5, 0.24, 1.0, "vertical"),
        (0.5 - 1e-8, 0.0, 0.0, "vertical"),
        (0.24, 0.5, 1.0, "diagonal"),
        (0.24, 0.49, 0.3, "block"),
        (0.49, 0.24, 0.29, HETEROGENEOUS),
        (float("nan"), float("nan"), float("nan"), UNDEFINED),
    ],
)
def test_rules_in_their_order(vertical, diagonal, cluster, role):
    assert of_scores(vertical, diagonal, cluster) == [role]


def test_map_without_rows_is_undefined():
    assert role_labels(role_scores(gate_scores(torch.zeros(1, 9, 9)))) == [UNDEFINED]


# Tables and findings


def measured(raw, kmers=None, to_sep=None):
    """Rows of sequences (inputs 0, 1, ...) of a model with one head in each layer; `raw` has the roles by layer."""
    rows = []
    for number, roles in enumerate(raw):
        for layer, role in enumerate(roles, start=1):
            sep = to_sep[layer - 1] if to_sep else 0.1
            place = {"class": "alpha", "sequence": f"s{number}", "input": number, "layer": layer, "head": 1}
            other = kmers[number][layer - 1] if kmers else role
            rows.append(place | {"variant": "raw", "role": role, "to_sep": sep})
            rows.append(place | {"variant": "kmers", "role": other, "to_sep": np.nan})
    return pd.DataFrame(rows)


def test_most_frequent_role():
    shares = pd.DataFrame(
        [
            ("all", 1, 1, "raw", HETEROGENEOUS, 0.4),
            ("all", 1, 1, "raw", "vertical", 0.6),
            ("all", 1, 2, "raw", HETEROGENEOUS, 0.5),
            ("all", 1, 2, "raw", "diagonal", 0.5),
            ("all", 1, 2, "kmers", HETEROGENEOUS, 1.0),
        ],
        columns=["class", "layer", "head", "variant", "role", "value"],
    )
    modal = modal_roles(shares, ROLES)
    assert modal["role"].tolist() == ["vertical", "diagonal", HETEROGENEOUS]
    assert set(modal["statistic"]) == {"modal_share"}


def test_roles_of_a_layer():
    one, other = measured([["vertical"], ["vertical"]]), measured([["block"], ["vertical"]])
    heads = pd.concat([one, other.assign(head=2)])
    table = layer_means(heads, ["alpha"], ROLES, ["to_sep"], 0.95)
    rows = table[(table["class"] == "all") & (table["variant"] == "raw")]
    shares = rows[rows["statistic"] == "heads"].set_index("role")["value"]
    assert shares.to_dict() == dict.fromkeys(ROLES, 0) | {"vertical": 0.75, "block": 0.25}
    assert rows.loc[rows["statistic"] == "to_sep", "value"].item() == pytest.approx(0.1)
    assert set(table.loc[table["variant"] == "kmers", "statistic"]) == {"heads"}


def found(measurements, depth):
    return [finding.value for finding in role_findings(measurements, PATTERNS, depth, 0.95)]


def test_findings_by_hand():
    raw = [["vertical", "vertical", "diagonal", HETEROGENEOUS], ["vertical", "block", "block", HETEROGENEOUS]]
    kmers = [["vertical", HETEROGENEOUS, "diagonal", HETEROGENEOUS], [HETEROGENEOUS] * 4]
    values = found(measured(raw, kmers, [0.1, 0.2, 0.6, 0.9]), depth=4)
    # Repeated: two of four heads in both. Vertical: 2/4 and 1/4, of which one each is gone among the k-mers.
    # Layers 2 and 3 of 4 are the middle and late ones.
    assert values == pytest.approx([0.5, 0.375, 0.375, 0.25, 0.25, 0.25, 0.4])


def test_repeated_inputs_count_once_and_heterogeneous_is_no_pattern():
    one = measured([[HETEROGENEOUS, HETEROGENEOUS, "vertical"], ["vertical", "vertical", "vertical"]])
    again = one[one["input"] == 1].assign(sequence="copy")
    findings = role_findings(pd.concat([one, again]), PATTERNS, 3, 0.95)
    assert (findings[0].value, findings[0].n) == (0.5, 1)


@pytest.mark.parametrize(("depth", "layers"), [(12, [6, 7, 8, 9, 10]), (4, [2, 3]), (2, [1]), (1, [])])
def test_middle_and_late_layers(depth, layers):
    mass = [2.0 ** -(layer % 40) for layer in range(1, depth + 1)]
    value = found(measured([["block"] * depth] * 2, to_sep=mass), depth)[-1]
    expected = np.mean([mass[layer - 1] for layer in layers]) if layers else np.nan
    assert value == pytest.approx(expected, nan_ok=True)


# The script

OUTPUTS = {"findings": "findings.tsv"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_small_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def tables(run):
    return run_analysis("attention_roles", run, OUTPUTS)


def test_tables(run, tables):
    table, sequences = tables
    assert len(sequences) == 4 * 2 * 4 * 2
    assert set(table["class"]) == {"alpha", "beta", "all"}
    place = ["class", "layer", "head", "variant"]
    shares = table[table["statistic"] == "share"].groupby(place)["value"]
    assert shares.sum().to_numpy() == pytest.approx(1)
    modal = table[table["statistic"] == "modal_share"].set_index(place)["value"]
    assert (modal.sort_index() == shares.max().sort_index()).all() and len(modal) == 3 * 2 * 4 * 2
    heads = table[table["statistic"] == "heads"]
    assert heads.groupby(["class", "layer", "variant"])["value"].sum().to_numpy() == pytest.approx(1)
    assert heads["head"].isna().all()
    assert table["n"].groupby(table["class"]).max().to_dict() == {"alpha": 2, "beta": 1, "all": 3}

    maps = np.load(run / "activations/attention_mean.npz")["beta"]
    of_beta = table[(table["class"] == "beta") & (table["layer"] == 2) & (table["statistic"] == "to_sep")]
    expected = maps[1, :, :12, 11].mean(axis=1)
    assert of_beta.dropna(subset="head")["value"].to_numpy() == pytest.approx(expected, rel=1e-4)
    assert of_beta[of_beta["head"].isna()]["value"].item() == pytest.approx(expected.mean(), rel=1e-4)
    assert set(SHARES) <= set(table["statistic"])


def test_findings(run, tables):
    findings = read_tsv(run / OUTPUTS["findings"])
    assert len(findings) == 7
    assert (findings["n"] == 2).all()  # classes
    assert set(findings["verdict"]) <= VERDICTS


def test_selection(run):
    _, sequences = run_analysis("attention_roles", run, OUTPUTS, layers=[2], heads=[3])
    assert sequences[["layer", "head"]].drop_duplicates().to_numpy().tolist() == [[2, 3]]


@absent("attention_roles")
def test_what_does_not_exist_is_named(run, key, value, message):
    with pytest.raises(InputError, match=message):
        run_analysis("attention_roles", run, OUTPUTS, **{key: value})


def test_figure(tables):
    figure = draw_attention_roles(tables[0], CLASSES)
    assert figure.get_suptitle().endswith("n = 3 distinct sequences; no sequence of gamma")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(ROLES)
