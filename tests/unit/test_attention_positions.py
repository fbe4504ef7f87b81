"""Attention to defining positions: places, covariates and tests known by hand, and the scripts."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

from spikegeometry.analyses.tables.position_findings import position_findings
from spikegeometry.analyses.tables.position_tests import (
    ALIKE,
    DOMAIN,
    ELSEWHERE,
    matched_windows,
    place_table,
    position_table,
    position_tests,
    training_spikes,
)
from spikegeometry.figures.attention_positions import draw_attention_positions
from spikegeometry.geometry.attention_positions import slot_profiles
from spikegeometry.geometry.placement import nearest_slots, token_bases
from spikegeometry.tables import read_tsv, write_tsv
from tiny_run import CLASSES, random_tokens, run_script, small_bert, write_run, write_spikes

# Placement

GENE = "ACGTTGCAAGCTAGGATCCTAAGTCCGATA"  # 30 bases: with k = 4 and stride 3, nine tokens


def test_projected_tokens_lie_in_their_slots():
    bases = token_bases("", GENE, [], "projected", 4, 3)
    assert bases[:2].tolist() == [[1, 2, 3, 4], [4, 5, 6, 7]]
    assert nearest_slots(bases, 3).tolist() == list(range(9))


def test_native_tokens_behind_a_deletion():
    native, projected = GENE[:3] + GENE[6:], GENE[:3] + "---" + GENE[6:]
    bases = token_bases(native, projected, [("deletion", 4, 6, "")], "native", 4, 3)
    # The first token takes the base behind the deletion; all later ones lie a slot further than their number.
    assert bases[:2].tolist() == [[1, 2, 3, 7], [7, 8, 9, 10]]
    assert nearest_slots(bases, 3).tolist() == [0, *range(2, 9)]


def test_inserted_bases_lie_on_the_base_in_front():
    native = GENE[:3] + "TTT" + GENE[3:]
    bases = token_bases(native, GENE, [("insertion", 3, 4, "TTT")], "native", 4, 3)
    assert bases[:3].tolist() == [[1, 2, 3, 3], [3, 3, 3, 4], [4, 5, 6, 7]]
    assert nearest_slots(bases, 3).tolist() == [0, 0, *range(1, 9)]
    in_front = token_bases("TTT" + GENE, GENE, [("insertion", 0, 1, "TTT")], "native", 4, 3)
    assert in_front[0].tolist() == [1, 1, 1, 1]


def test_what_is_inserted_before_the_first_slot_is_left_out():
    """Three bases inserted in front: the first k-mer lies at slot -1, and is not the last slot's."""
    profiles = torch.tensor([[0.4, 0.3, 0.2, 0.1]])
    found = slot_profiles(profiles, torch.tensor([-1, 0, 1, 2]), number=3)[0]
    assert found.tolist() == pytest.approx([1.2, 0.8, 0.4])


def test_slot_profiles():
    profiles = torch.tensor([[0.1, 0.2, 0.3, 0.4]])
    found = slot_profiles(profiles, torch.tensor([0, 2, 2, 5]), number=4)[0]
    # Times four k-mers; slot 2 has the mean of two, slots 1 and 3 have none, and what lies beyond is left out.
    assert found[[0, 2]].tolist() == pytest.approx([0.4, 1.0])
    assert found[[1, 3]].isnan().all()


# Positions

DOMAINS = pd.DataFrame({"name": ["a", "b"], "start": [1, 6], "end": [5, 10]})
MUTATED = GENE[:10] + "A" + GENE[11:]  # base 11 is C in the gene: of token 4 alone (bases 10 to 13)


def test_positions():
    spikes = pd.DataFrame(
        {"class": ["x", "x", "x", "y"], "projected": [MUTATED, MUTATED, GENE[:10] + "N" + GENE[11:], GENE]}
    )
    fourth, fifth = np.arange(1, 10) == 4, np.arange(1, 10) == 5
    sites = {"x": (fourth, fifth), "y": (fifth, fourth), "z": (fourth | fifth, fourth & fifth)}
    table = position_table(spikes, GENE, DOMAINS, ["x", "y", "z"], sites, 4, 3)
    assert set(table["class"]) == {"x", "y"}
    undefined = position_table(spikes, GENE, DOMAINS, ["x"], {}, 4, 3)
    assert len(undefined) == 9 and not undefined[["defining", "elsewhere"]].any(axis=None)
    x, y = (table[table["class"] == name].set_index("token") for name in "xy")
    assert x.index[x["defining"]].tolist() == y.index[y["elsewhere"]].tolist() == [4]
    # The unknown k-mer does not count: both known ones of x differ.
    # Two k-mers, each of half the classes.
    assert x.loc[4, ["differing", "entropy", "surprisal"]].tolist() == pytest.approx([1, 1, 1])
    assert y.loc[4, "surprisal"] == pytest.approx(1)
    assert x.loc[3, ["differing", "entropy", "surprisal"]].tolist() == pytest.approx([0, 0, 0])
    assert x.loc[[1, 9], "domain"].tolist() == ["a", "b"]
    assert x.loc[4, ["first_residue", "last_residue"]].tolist() == [4, 5]


def positions_of(defining, domain=None, entropy=None, elsewhere=None, name="x"):
    n = len(defining)
    return pd.DataFrame(
        {
            "class": name,
            "token": np.arange(1, n + 1),
            "domain": domain or ["a"] * n,
            "defining": np.array(defining, dtype=bool),
            "elsewhere": np.array(elsewhere or [0] * n, dtype=bool),
            "entropy": entropy or [0.0] * n,
            "surprisal": 0.0,
        }
    )


def test_windows_are_as_long_in_the_domain_and_free():
    defining = [0, 1, 1, 0, 0, 0, 1, 0, 0, 1]
    runs = matched_windows(positions_of(defining, domain=list("aaaaaabbbb")), np.ones(10, dtype=bool), DOMAIN, 1)
    assert [(run.start, run.length, run.starts.tolist()) for run in runs] == [
        (1, 2, [3, 4]),
        (6, 1, [7, 8]),
        (9, 1, [7, 8]),
    ]


def test_neighbours_of_two_domains_are_two_runs_and_unseen_slots_none():
    seen = np.array([1, 1, 1, 1, 1, 0], dtype=bool)
    runs = matched_windows(positions_of([0, 1, 1, 0, 0, 0], domain=list("aabbbb")), seen, DOMAIN, 1)
    assert [(run.start, run.length, run.starts.tolist()) for run in runs] == [(1, 1, [0]), (2, 1, [3, 4])]


def test_nearest_windows():
    entropy = [1.0, 0.9, 0.0, 0.7, 0.1]
    (run,) = matched_windows(positions_of([1, 0, 0, 0, 0], entropy=entropy), np.ones(5, dtype=bool), ALIKE, 2)
    assert run.starts.tolist() == [1, 3]


def test_windows_that_define_other_classes_lie_anywhere():
    positions = positions_of([1, 1, 0, 0, 0, 1, 0, 0], list("aaaabbbb"), elsewhere=[0, 0, 1, 1, 1, 0, 0, 1])
    runs = matched_windows(positions, np.ones(8, dtype=bool), ELSEWHERE, 1)
    assert [(run.length, run.starts.tolist()) for run in runs] == [(2, [2, 3]), (1, [2, 3, 4, 7])]


NO_MUTATIONS = pd.DataFrame(columns=["class", "name", "first", "last"])
PLACE = place_table([1], ["kmers"], [1, 2])


def results_of(positions, profiles, **options):
    options = {"matches": 2, "permutations": 99, "samples": 200, "confidence": 0.95, "seed": 1} | options
    table = position_tests(positions, {"x": profiles}, PLACE, **options)
    return table.set_index(["against", "statistic"]).sort_index(kind="stable")


def test_attention_at_the_defining_position():
    """One head attends to the defining position, twice as much as elsewhere; the other at all alike."""
    entropy = [1.0, 1.0, 1.0, *[0.0] * 5]
    profiles = np.ones((2, 2, 8))
    profiles[:, 0, 0] = 2
    profiles[:, 0, 1:3] = 1, 3
    table = results_of(positions_of([1, *[0] * 7], entropy=entropy), profiles, permutations=999)
    assert table.loc[("domain", "attention"), "value"].tolist() == pytest.approx([2, 1])
    assert table.loc[("domain", "expected"), "value"].tolist() == pytest.approx([9 / 7, 1])
    assert table.loc[("alike", "expected"), "value"].tolist() == pytest.approx([2, 1])
    enrichment = table.loc[("domain", "log2_enrichment")]
    assert enrichment["value"].tolist() == pytest.approx([math.log2(14 / 9), 0])
    # Equal sequences: no spread.
    assert enrichment["low"].tolist() == pytest.approx(enrichment["value"].tolist())
    # One of seven windows, and one of two, has more, and the run itself as much; with uniform attention every draw has.
    p = table.loc[("domain", "p_position"), "value"].tolist()
    assert p == pytest.approx([2 / 8, 1], abs=0.05)
    assert table.loc[("alike", "p_position"), "value"].tolist() == pytest.approx([2 / 3, 1], abs=0.06)
    assert table.loc[("domain", "q_position"), "value"].tolist() == pytest.approx([2 * p[0], 1])
    whole = table[table["layer"].isna()]["value"]
    assert whole["domain", "entropy"] == 1 and whole["domain", "entropy_expected"] == pytest.approx(2 / 7)
    assert whole["alike", "entropy_expected"] == 1
    assert whole["alike", "runs_tested"] == whole["alike", "positions"] == 1


@pytest.mark.parametrize("runs", [1, 2, 4])
def test_p_values_of_noise_are_those_of_chance(runs):
    """Each run among 20 windows of its own domain, all alike: P(p <= a) is a, and not more where p comes in steps."""
    domain = [name for name in "abcd"[:runs] for _ in range(21)]
    positions = positions_of([1, *[0] * 20] * runs, domain=domain)
    noise = np.random.default_rng(runs).exponential(size=(4, 1, 1000, 21 * runs))
    places = place_table([1], ["kmers"], range(1000))
    options = {"matches": 20, "permutations": 999, "samples": 2, "confidence": 0.95}
    tables = [position_tests(positions, {"x": one}, places, **options, seed=seed) for seed, one in enumerate(noise)]
    table = pd.concat(tables)
    p = table.loc[(table["statistic"] == "p_position") & (table["against"] == "alike"), "value"].to_numpy()
    assert len(p) == 4000
    for level in (0.01, 0.05):
        spread = math.sqrt(level * (1 - level) / len(p))
        share = (p <= level).mean()
        assert share < level + 4 * spread
        if runs == 4:
            assert share > level - 6 * spread


def test_runs_without_a_window_are_left_out_and_counted():
    table = results_of(positions_of([1, 1, 1, 0]), np.ones((1, 2, 4)))
    assert table.loc[("alike", "runs"), "value"] == 1 and table.loc[("alike", "runs_tested"), "value"] == 0
    assert ("alike", "attention") not in table.index
    # One sequence has no interval.
    table = results_of(positions_of([1, 0, 0, 0]), np.ones((1, 2, 4)))
    assert table.loc[("alike", "log2_enrichment"), ["low", "high"]].isna().all(axis=None)


# Findings


def summed(values):
    """Table of two heads whose attention and expected attention of each class against each control are these."""
    rows = [
        (name, against, "kmers", statistic, value * share)
        for (name, against), both in values.items()
        for statistic, value in zip(("attention", "expected"), both, strict=True)
        for share in (0.25, 0.75)
    ]
    return pd.DataFrame(rows, columns=["class", "against", "variant", "statistic", "value"])


def test_attention_that_goes_to_the_sites_of_all_classes_is_not_the_classs_own():
    """Twice what others alike get, and no more than the sites of other classes."""
    values = {(name, "alike"): (2 + i, 1 + i / 2) for i, name in enumerate("xyz")}
    values |= {(name, "elsewhere"): (2, 2 + step) for name, step in zip("xyz", (-0.1, 0, 0.1), strict=True)}
    alike, elsewhere = position_findings(summed(values), 0.95)
    assert (alike.value, alike.low, alike.n) == pytest.approx((1, 1, 3))
    assert elsewhere.low < 0 < elsewhere.high
    assert "as variable and as rare" in alike.claim and "other classes" in elsewhere.claim


def test_findings_without_a_control():
    alike, elsewhere = position_findings(summed({("x", "alike"): (2, 1)}), 0.95)
    assert alike.n == 1 and elsewhere.n == 0 and math.isnan(elsewhere.value)


# The scripts

PARAMS = {
    "share": 0.5,
    "classes": CLASSES,
    "analysed_per_class": 9,
    "matches": 3,
    "permutations": 19,
    "bootstrap": 20,
    "seed": 1,
    "coordinates": "projected",
    "k": 12,
    "stride": 9,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    sequences = {"alpha": [random_tokens(0, 14), random_tokens(1, 14)], "beta": [random_tokens(2, 14)], "gamma": []}
    write_run(folder, small_bert(), sequences)
    reference = write_spikes(folder, sequences)
    (folder / "genome.fasta").write_text(f">reference\n{reference}\n", encoding="utf-8")
    write_tsv(pd.DataFrame({"name": ["a"], "start": [1], "end": [90]}), folder / "domains.tsv")
    inputs = {name: f"{name}.parquet" for name in ("spikes", "splits")} | {
        "reference": "genome.fasta",
        "domains": "domains.tsv",
        "definitions": "founders.tsv",
    }
    # Base 5 is of k-mer 1 alone, 14 of 2, 23 of 3; all have lost base 50.
    founders = {"founder": CLASSES, "class": CLASSES, "mutations": [f"del:{base}:1 del:50:1" for base in (5, 14, 23)]}
    write_tsv(pd.DataFrame(founders), folder / "founders.tsv")
    outputs = {"positions": "positions.tsv", "profiles": "profiles.parquet", "findings": "findings.tsv"}
    run_script("attention_positions", folder, outputs, inputs, **PARAMS, start=1, end=len(reference))
    return folder


def test_tables(run):
    table, positions = read_tsv(run / "attention_positions.tsv"), read_tsv(run / "positions.tsv")
    defining = positions[positions["defining"]].groupby("class")["token"].agg(list)
    assert defining.to_dict() == {"alpha": [1], "beta": [2], "gamma": [3]}
    elsewhere = positions[positions["elsewhere"]].groupby("class")["token"].agg(list)
    assert elsewhere.to_dict() == {"alpha": [2, 3], "beta": [1, 3], "gamma": [1, 2]}
    assert positions.loc[positions["defining"], "differing"].tolist() == [1, 1, 1]
    assert set(table["class"]) == {"alpha", "beta"}
    attention = table[(table["statistic"] == "attention") & (table["against"] == "alike")]
    assert len(attention) == 2 * 2 * 4 * 2
    profiles = pd.read_parquet(run / "profiles.parquet")
    # A uniform share is 1 averaged over the gene.
    assert profiles.groupby(["class", "variant"])["value"].mean().to_numpy() == pytest.approx(1)
    own = profiles[(profiles["class"] == "alpha") & (profiles["variant"] == "kmers")].set_index("token")["value"]
    of_alpha = attention[(attention["class"] == "alpha") & (attention["variant"] == "kmers")]
    assert of_alpha["value"].mean() == pytest.approx(own[1], rel=1e-4)


def test_findings(run):
    table, findings = read_tsv(run / "attention_positions.tsv"), read_tsv(run / "findings.tsv")
    assert findings["n"].tolist() == [2, 2]
    rows = table[(table["against"] == "elsewhere") & (table["variant"] == "kmers")]
    sums = rows.pivot_table(index="class", columns="statistic", values="value", aggfunc="sum")
    expected = np.log2(sums["attention"] / sums["expected"]).mean()
    assert findings["value"][1] == pytest.approx(expected, rel=1e-4)


def test_training_spikes_count_equal_ones_once(run):
    spikes = training_spikes(run / "spikes.parquet", run / "splits.parquet", 9, 0)
    assert spikes["class"].tolist() == CLASSES


def test_classes_that_nothing_defines(run):
    """Nothing is tested, and the figure and the findings say so."""
    whole = pd.read_parquet(run / "profiles.parquet")
    profiles = {name: np.ones((2, 2, 12)) for name in ("alpha", "beta")}
    positions = pd.concat([positions_of([0] * 12, name=name) for name in profiles])
    table = position_tests(positions, profiles, PLACE, 2, 9, 20, 0.95, 1)
    assert table["layer"].isna().all() and not table.loc[table["statistic"] == "positions", "value"].any()
    assert [finding.n for finding in position_findings(table, 0.95)] == [0, 0]
    domains = pd.DataFrame({"name": ["a"], "first": [1], "last": [12]})
    figure = draw_attention_positions(table, positions, whole, domains, NO_MUTATIONS, CLASSES, CLASSES)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["alpha (0; 2)", "beta (0; 2)"]


def test_figure(run):
    tables = [read_tsv(run / "attention_positions.tsv"), read_tsv(run / "positions.tsv")]
    domains = pd.DataFrame({"name": ["a"], "first": [1], "last": [12]})
    profiles = pd.read_parquet(run / "profiles.parquet")
    figure = draw_attention_positions(*tables, profiles, domains, NO_MUTATIONS, CLASSES, CLASSES)
    assert "n = 3 distinct sequences; no sequence of gamma" in figure.get_suptitle()
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["alpha (1; 2)", "beta (1; 1)"]
