"""Attention into domains: shares and tests known by hand, a naive computation, and the script."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from spikegeometry.analyses.tables.domain_pairs import pair_table
from spikegeometry.analyses.tables.domain_tests import PLACES, contrast_table, domain_table, two_proportions
from spikegeometry.analyses.tables.top_heads import top_heads
from spikegeometry.errors import InputError
from spikegeometry.figures.attention_domains import draw_attention_domains
from spikegeometry.geometry.attention_domains import TurnedShares, arcs, shifted_shares
from spikegeometry.geometry.heads import profiles
from spikegeometry.tables import write_parquet, write_tsv
from tiny_run import CLASSES, absent, run_analysis, small_bert, small_sequences, write_small_run, write_spikes

M = 30
# k-mers 1-10 in the first domain, 11-13 in the second, 14 half and half, the rest in the third.
MEMBERSHIP = torch.zeros(M, 3, dtype=torch.float64)
MEMBERSHIP[:10, 0] = 1
MEMBERSHIP[10:13, 1] = 1
MEMBERSHIP[13, 1:] = 0.5
MEMBERSHIP[14:, 2] = 1


def random_maps(heads, n, seed):
    return torch.softmax(3 * torch.randn(heads, n, n, generator=torch.Generator().manual_seed(seed)), dim=-1)


def p_values(profile, membership=MEMBERSHIP):
    turned = TurnedShares()
    turned.add("key", shifted_shares(profile, membership), 0)
    return dict(turned.p_values())["key"]


def test_even_attention_has_the_share_of_the_kmers():
    n = M + 2
    for profile in profiles(torch.full((2, n, n), 1 / n)).values():
        shares = shifted_shares(profile, MEMBERSHIP)
        assert shares[..., 0].numpy() == pytest.approx(MEMBERSHIP.mean(dim=0).expand(2, 3).numpy(), abs=1e-7)
        # No turn has less.
        assert (p_values(profile) == 1).all()


def test_attention_into_one_domain():
    profile = torch.zeros(1, M, dtype=torch.float64)
    profile[0, 10:13] = 1 / 3
    shares = shifted_shares(profile, MEMBERSHIP)[0, :, 0]
    assert shares.tolist() == pytest.approx([0, 1, 0], abs=1e-12)
    # All other turns of three k-mers leave the three that lie wholly in the domain.
    assert p_values(profile)[0].tolist() == pytest.approx([1, 1 / M, 1])


def test_other_turns_that_are_as_good_count():
    # One k-mer, in a domain of ten: at ten of thirty turns.
    profile = torch.eye(M)[4:5]
    assert p_values(profile)[0, 0].item() == pytest.approx(10 / 30)


def test_turns_against_naive_computation():
    profile = torch.rand(2, M, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = shifted_shares(profile, MEMBERSHIP).numpy()
    for head in range(2):
        for shift in range(M):
            expected = np.roll(profile[head].numpy(), shift) @ MEMBERSHIP.numpy()
            assert found[head, :, shift] == pytest.approx(expected, abs=1e-12)


def test_turns_of_several_sequences_are_turned_together():
    generator = torch.Generator().manual_seed(1)
    several = [torch.rand(1, m, generator=generator, dtype=torch.float64) for m in (M, M - 4)]
    turned = TurnedShares()
    for profile in several:
        for _ in "ab":  # a sequence of two classes counts once
            turned.add("key", shifted_shares(profile, MEMBERSHIP[: profile.shape[1]]), len(profile[0]))
    sums = sum(
        np.array([np.roll(p[0].numpy(), s) @ MEMBERSHIP[: p.shape[1]].numpy() for s in range(M - 4)]) for p in several
    )
    expected = (sums >= sums[0] - 1e-12).mean(axis=0)
    assert dict(turned.p_values())["key"][0].numpy() == pytest.approx(expected)


def test_profiles_against_naive_computation():
    maps = random_maps(2, 12, seed=2)
    maps[1, 3] = 0
    maps[1, 3, 0] = 1  # a k-mer that attends to [CLS] only has no row
    maps[1, 0] = 0
    maps[1, 0, 11] = 1  # and [CLS] none, where it attends to [SEP] only
    found = profiles(maps)
    for head in range(2):
        rows = [maps[head, i, 1:-1].double().numpy() for i in range(1, 11)]
        rows = [row / row.sum() for row in rows if row.sum() > 0]
        assert found["kmers"][head].numpy() == pytest.approx(np.mean(rows, axis=0), abs=1e-6)
    from_cls = maps[0, 0, 1:-1].double()
    assert found["cls"][0].numpy() == pytest.approx((from_cls / from_cls.sum()).numpy(), abs=1e-6)
    assert found["cls"][1].isnan().all()


def test_arcs():
    maps = torch.zeros(1, 5, 5)
    maps[0, 1] = torch.tensor([0.5, 0.25, 0.05, 0.2, 0.0])  # of 0.5 for k-mers: 0.5, 0.1, 0.4
    maps[0, 2] = torch.tensor([0.0, 0.29, 0.42, 0.29, 0.0])
    maps[0, 0] = maps[0, 4] = torch.tensor([0.0, 1.0, 0.0, 0.0, 0.0])
    membership = torch.tensor([[1, 0], [0.5, 0.5], [0, 1]])
    number, inside, weight, weight_inside = arcs(maps, membership, 0.3)
    assert (number.tolist(), inside.tolist()) == ([3], [[1.5, 1.5]])
    # 0.5 in the first; 0.4 in the second; 0.42, half in both.
    assert weight.tolist() == pytest.approx([1.32])
    assert weight_inside[0].tolist() == pytest.approx([0.71, 0.61])


# Tests over sequences


def test_two_proportions():
    z, p = two_proportions(np.array([30.0]), np.array([100.0]), 20, 100)
    assert (z[0], p[0]) == (pytest.approx(1.633, abs=5e-4), pytest.approx(0.1025, abs=5e-5))


def measured(values, background=0.25):
    """Measurements of one domain in one head: (class, input, share)."""
    rows = pd.DataFrame(values, columns=["class", "input", "share"])
    place = {"layer": 1, "head": 1, "variant": "kmers", "domain": "a"}
    return rows.assign(**place, background=background, kmers=100, arcs=60, arcs_inside=30, weight=24, weight_inside=18)


def statistics(table, name):
    return table[table["class"] == name].set_index("statistic")


def test_table_of_a_class():
    values = [("alpha", 0, 0.4), ("alpha", 0, 0.4), ("alpha", 1, 0.6), ("alpha", 3, 0.5), ("beta", 2, 0.5)]
    shifts = measured([("alpha", 0, 0), ("beta", 0, 0), ("all", 0, 0)])[["class", *PLACES]].assign(p_shift=0.03)
    table = domain_table(measured(values), shifts, ["alpha", "beta"], 0.95)
    alpha, beta = statistics(table, "alpha"), statistics(table, "beta")
    # Logit 0, and Student's 4.3027 with two degrees of freedom times 0.1 / sqrt(3) over 0.5 x 0.5.
    low = 1 / (1 + math.exp(4.30265 * 0.1 / math.sqrt(3) / 0.25))
    assert alpha.loc["share", ["value", "n", "low", "high"]].tolist() == pytest.approx([0.5, 3, low, 1 - low])
    assert alpha.loc["log2_enrichment", ["value", "low"]].tolist() == pytest.approx(
        [1, math.log2(low / 0.25)], rel=1e-4
    )
    assert alpha.loc["q_shift", "value"] == 0.03
    # The twins count once: 180 arcs, half of them inside; beta has too few.
    assert (alpha.loc["arcs", "value"], alpha.loc["arcs_share", "value"]) == (180, 0.5)
    assert alpha.loc["arcs_weight_share", "value"] == 0.75
    assert alpha.loc["z_arcs", "value"] == pytest.approx(two_proportions(90, 180, 25, 100)[0])
    assert not {"arcs_share", "arcs_weight_share", "z_arcs", "p_arcs"} & set(beta.index)
    assert beta.loc["share", ["low", "high"]].isna().all()
    assert statistics(table, "all").loc["share", "n"] == 4


def test_correction_is_over_all_heads_and_domains_of_a_variant():
    p = np.array([0.001, 0.02, 0.03, 0.5])
    several = [measured([("alpha", 0, 0.5), ("alpha", 1, 0.4)]).assign(head=head) for head in range(1, 5)]
    shifts = pd.concat([one[["class", *PLACES]].head(1) for one in several]).assign(p_shift=p)
    table = domain_table(pd.concat(several), shifts, ["alpha"], 0.95)
    found = table[table["statistic"] == "q_shift"].sort_values("head")["value"]
    assert found.tolist() == pytest.approx(stats.false_discovery_control(p).tolist())


def test_variants_are_corrected_apart():
    """p of 0.01 and 0.04 for k-mers, and of 0.03 and 0.5 for [CLS]; in one family 0.03 would become 0.16 / 3."""
    several = [
        measured([("alpha", 0, 0.5), ("alpha", 1, 0.4)]).assign(head=head, variant=variant)
        for variant in ("kmers", "cls")
        for head in (1, 2)
    ]
    shifts = pd.concat([one[["class", *PLACES]].head(1) for one in several]).assign(p_shift=[0.01, 0.04, 0.03, 0.5])
    table = domain_table(pd.concat(several), shifts, ["alpha"], 0.95)
    q = table[table["statistic"] == "q_shift"].set_index(["variant", "head"])["value"]
    assert q.to_dict() == pytest.approx({("kmers", 1): 0.02, ("kmers", 2): 0.04, ("cls", 1): 0.06, ("cls", 2): 0.5})


@pytest.mark.parametrize(("arcs", "enough"), [(99, False), (100, True)])
def test_shares_of_few_arcs_are_left_out(arcs, enough):
    shifts = measured([("alpha", 0, 0)])[["class", *PLACES]].assign(p_shift=0.03)
    rows = measured([("alpha", 0, 0.4)]).assign(arcs=arcs)
    table = domain_table(rows, shifts, ["alpha"], 0.95)
    assert ({"arcs_share", "z_arcs", "p_arcs"} <= set(table["statistic"])) == enough


def test_contrast_counts_the_true_assignment_and_corrects_variants_apart():
    """Twenty of each class, wholly apart: no random assignment is as good, and of four and the true one p is 1/5."""
    classes = np.repeat(["alpha", "beta"], 20)
    apart = measured(list(zip(classes, range(40), np.repeat([0.2, 0.6], 20), strict=True)))
    mixed = measured(list(zip(classes, range(40), np.tile([0.2, 0.6], 20), strict=True)))
    rows = pd.concat([apart, mixed.assign(head=2), mixed.assign(variant="cls")])
    table = contrast_table(rows, permutations=4, seed=1).set_index(["statistic", "variant", "head"])["value"]
    assert table["p_contrast", "kmers", 1] == pytest.approx(1 / 5)
    assert table["p_contrast", "kmers", 2] == 1
    # Two heads in one variant, one in the other.
    assert table["q_contrast", "kmers", 1] == pytest.approx(2 / 5)


def test_contrast_of_classes():
    apart = [(name, number, level) for name, level in (("alpha", 0.2), ("beta", 0.6)) for number in range(4)]
    apart = [(name, 4 * (name == "beta") + number, level) for name, number, level in apart]
    found = contrast_table(measured(apart), permutations=999, seed=1).set_index("statistic")
    assert found.loc["eta2", "value"] == pytest.approx(1)
    # 2 of the 70 ways to divide eight into fours are as good.
    assert found.loc["p_contrast", "value"] == pytest.approx(2 / 70, abs=0.02)
    mixed = [("alpha", 0, 0.2), ("alpha", 1, 0.6), ("beta", 2, 0.2), ("beta", 3, 0.6)]
    found = contrast_table(measured(mixed), permutations=99, seed=1).set_index("statistic")
    assert found.loc["eta2", "value"] == pytest.approx(0, abs=1e-12)
    assert found.loc["p_contrast", "value"] == 1


@pytest.mark.parametrize("values", [[("alpha", 0, 0.2), ("alpha", 1, 0.6)], [("alpha", 0, 0.2), ("beta", 1, 0.2)]])
def test_no_contrast_without_classes_or_variance(values):
    assert contrast_table(measured(values), permutations=9, seed=1).empty


def test_top_heads():
    rows = [("alpha", head, share) for head, share in ((1, 0.2), (2, 0.5), (3, 0.3), (4, 0.1))]
    rows += [("beta", head, share) for head, share in ((1, 0.4), (2, 0.4))]
    table = pd.DataFrame(rows, columns=["class", "head", "value"]).assign(layer=1, variant="kmers", domain="a")
    table = table.assign(statistic="share", low=table["value"] - 0.1, high=1, n=3)
    found = top_heads(pd.concat([table, table.assign(statistic="background", value=9)], ignore_index=True))
    assert found[["class", "head", "share", "low", "median", "heads"]].to_numpy().tolist() == [
        ["alpha", 2, 0.5, 0.4, 0.25, 4],
        ["beta", 1, 0.4, pytest.approx(0.3), 0.4, 2],
    ]


# Two classes

LEVELS = {"alpha": [0.4, 0.5, 0.6], "beta": [0.2, 0.25, 0.3, 0.33], "gamma": [0.3]}


def several_classes(levels):
    values = [(name, value) for name, shares in levels.items() for value in shares]
    return measured([(name, number, value) for number, (name, value) in enumerate(values)])


def test_difference_of_two_classes():
    twins = several_classes(LEVELS)
    (row,) = pair_table(pd.concat([twins, twins.head(1)]), 0.95).to_dict("records")
    assert (row["first"], row["second"], row["n_first"], row["n_second"]) == ("alpha", "beta", 3, 4)
    # To first order, the logarithm of a mean has the mean's standard deviation over the mean.
    of_logs = [
        part
        for name in ("alpha", "beta")
        for mean, sd in [(np.mean(LEVELS[name]), np.std(LEVELS[name], ddof=1))]
        for part in (math.log2(mean), sd / mean / math.log(2), len(LEVELS[name]))
    ]
    assert row["difference"] == pytest.approx(of_logs[0] - of_logs[3])
    assert row["p"] == row["q"] == pytest.approx(stats.ttest_ind_from_stats(*of_logs, equal_var=False).pvalue)
    for bound in (row["low"], row["high"]):
        at_bound = [of_logs[0] - bound, *of_logs[1:]]
        assert stats.ttest_ind_from_stats(*at_bound, equal_var=False).pvalue == pytest.approx(0.05)
    assert row["low"] < row["difference"] < row["high"]


def test_what_cannot_be_compared_has_no_row():
    assert pair_table(several_classes({"alpha": [0.4, 0.4], "beta": [0.2, 0.2]}), 0.95).empty
    assert pair_table(several_classes({"alpha": [0, 0], "beta": [0.2, 0.3]}), 0.95).empty
    assert pair_table(several_classes({"alpha": [0.2, 0.3]}), 0.95).empty


def test_differences_of_noise_are_those_of_chance():
    """Two classes alike, in 2000 heads: a difference by two intervals would be found in far more than 5%."""
    shares = np.random.default_rng(0).gamma(100, 0.003, size=(2000, 10))
    place = pd.MultiIndex.from_product([range(1, 2001), range(10)], names=["head", "input"]).to_frame(index=False)
    table = place.assign(share=shares.ravel(), background=0.25, layer=1, variant="kmers", domain="a")
    found = pair_table(table.assign(**{"class": np.where(table["input"] < 5, "alpha", "beta")}), 0.95)
    assert (found["p"] < 0.05).mean() == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / 2000))
    assert ((found["low"] > 0) | (found["high"] < 0)).mean() == (found["p"] < 0.05).mean()
    assert found["q"].to_numpy() == pytest.approx(stats.false_discovery_control(found["p"]))


# The script

PARAMS = {
    "threshold": 0.3,
    "permutations": 19,
    "bootstrap": 20,
    "seed": 1,
    "k": 12,
    "stride": 9,
    "coordinates": "projected",
}


def run_domains(folder, **params):
    inputs = {"domains": "domains.tsv", "regions": "regions.tsv", "spikes": "spikes.parquet"}
    return run_analysis(
        "attention_domains", folder, {"pairs": "pairs.parquet", "top": "top.tsv"}, inputs, **PARAMS | params
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = write_small_run(tmp_path_factory.mktemp("run"))
    # The 12 k-mers cover 37 codons: the last domain has no k-mer.
    domains = pd.DataFrame({"name": ["a", "b", "c"], "start": [1, 8, 38], "end": [7, 37, 90]})
    write_tsv(domains, folder / "domains.tsv")
    write_tsv(pd.DataFrame({"name": ["whole"], "start": [1], "end": [37]}), folder / "regions.tsv")
    write_spikes(folder, small_sequences())
    return folder


@pytest.fixture(scope="module")
def tables(run):
    return run_domains(run)


def test_tables(tables):
    table, measurements = tables
    # Three distinct sequences, two layers, four heads, two variants, two domains and a region.
    assert len(measurements) == 3 * 2 * 4 * 2 * 3
    assert set(table["domain"]) == {"a", "b", "whole"}
    place = {"class": "beta", "layer": 2, "head": 3, "domain": "a", "statistic": "share"}
    rows = table[(table[list(place)] == list(place.values())).all(axis=1)].set_index("variant")
    tokens = torch.from_numpy(small_sequences()["beta"][0])[None]
    with torch.inference_mode():
        own = small_bert()(tokens, output_attentions=True).attentions[1][0, 2].numpy()
    # k-mers 1, 2 and 3 have four, four and one of their four codons among the first seven.
    share = np.array([1, 1, 0.25, *[0] * 7])
    among = own[1:-1, 1:-1] / own[1:-1, 1:-1].sum(axis=1, keepdims=True)
    assert rows.loc["kmers", "value"] == pytest.approx((among @ share).mean(), rel=1e-4)
    assert rows.loc["cls", "value"] == pytest.approx(own[0, 1:-1] @ share / own[0, 1:-1].sum(), rel=1e-4)
    assert set(table["class"]) == {"alpha", "beta", "all"}
    shares = table[table["statistic"] == "share"].set_index("domain")
    assert shares.loc["whole", "value"].to_numpy() == pytest.approx(1, abs=1e-4)
    of_domains = shares.drop("whole").groupby(["class", "layer", "head", "variant"])["value"].sum()
    assert of_domains.to_numpy() == pytest.approx(1, abs=1e-4)


@pytest.mark.usefixtures("tables")
def test_pairs_of_classes(run):
    pairs = pd.read_parquet(run / "pairs.parquet")
    # Beta has one sequence.
    assert pairs.empty and "q" in pairs


def test_selection(run):
    table, measurements = run_domains(run, layers=[2], heads=[3], selected_classes=["beta"])
    assert measurements[["class", "layer", "head"]].drop_duplicates().to_numpy().tolist() == [["beta", 2, 3]]
    assert "eta2" not in set(table["statistic"])


@absent("attention_domains")
def test_what_does_not_exist_is_named(run, key, value, message):
    with pytest.raises(InputError, match=message):
        run_domains(run, **{key: value})


def test_native_kmers_lie_where_the_alignment_puts_them(run, tables):
    """Alpha lacks the 27 bases of k-mers 3 to 5 (codons 7 to 15): from k-mer 3 on, its places are 27 bases further."""
    whole = pd.read_parquet(run / "spikes.parquet")
    alpha = whole["class"] == "alpha"
    start, end = whole["projected"].str[:18], whole["projected"].str[45:] + 9 * "ACG"
    cut = [one[: len(old)] for one, old in zip(start + end, whole["native"], strict=True)]
    native = whole.assign(
        native=whole["native"].mask(alpha, cut),
        projected=whole["projected"].mask(alpha, start + 27 * "-" + end),
        deletions=whole["deletions"].mask(alpha, "19-45"),
    )
    write_parquet(native, run / "native.parquet")
    inputs = {"domains": "domains.tsv", "regions": "regions.tsv", "spikes": "native.parquet"}
    outputs = {"pairs": "native_pairs.parquet", "top": "native_top.tsv"}
    _, found = run_analysis("attention_domains", run, outputs, inputs, **PARAMS | {"coordinates": "native"})
    _, before = tables
    place = ["input", "layer", "head", "variant"]
    both = [
        rows[(rows["class"] == "alpha") & (rows["domain"] == "a")].groupby(place)["background"].first()
        for rows in (found, before)
    ]
    # Of the codons 1 to 7, in k-mers 1 and 2 four each and in k-mer 3 one; behind the cut, k-mer 2 has three.
    kmers = np.array([12, 9])
    assert sorted(both[1].unique()) == pytest.approx(sorted(2.25 / kmers))
    assert sorted(both[0].unique()) == pytest.approx(sorted(1.75 / kmers))
    assert "beta" in set(found["class"])


def test_figure(tables):
    figure = draw_attention_domains(tables[0], ["a", "b", "c"], CLASSES, CLASSES)
    assert "n = 3 distinct sequences; no sequence of gamma" in figure.get_suptitle()
    titles = [axis.get_title() for axis in figure.axes]
    assert [title.split(" ")[0] for title in titles[:2]] == ["a", "b"]
