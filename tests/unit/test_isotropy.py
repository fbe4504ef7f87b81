"""Isotropy: values known by hand, naive computations, simulated points of known dimension, and the script."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

from spikegeometry.analyses.tables.isotropy_tables import agreement_table, isotropy_findings
from spikegeometry.errors import InputError
from spikegeometry.figures.isotropy import draw_isotropy
from spikegeometry.geometry.isotropy import (
    POOLED,
    different_tokens,
    isotropic_isoscore,
    pooled_statistics,
    sequence_statistics,
    token_sums,
    two_nn,
    variance_statistics,
)
from spikegeometry.tables import read_tsv
from tiny_run import CLASSES, VERDICTS, absent, random_bert, random_tokens, run_analysis, write_run

KMERS = [torch.tensor([0, 1, 2, -1]), torch.tensor([0, 3, 2, -1]), torch.tensor([4, 4, 2])]


def random_vectors(m, d, seed=0):
    return torch.randn(m, d, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("eigenvalues", "score"),
    [((1, 1, 0, 0, 0), 0.25), ((1, 1, 1, 1, 1), 1), ((1, 0, 0, 0, 0), 0), ((3, 2, 1, 0.5, 0.1), 0.51367)],
)
def test_isoscore(eigenvalues, score):
    # The axes are turned: the score depends on eigenvalues alone.
    turn = torch.linalg.qr(random_vectors(5, 5).double())[0]
    covariance = turn @ torch.diag(torch.tensor(eigenvalues, dtype=torch.float64)) @ turn.mT
    found = variance_statistics(covariance)
    assert found["isoscore"] == pytest.approx(score, abs=1e-5)
    assert found["top1_variance"] == pytest.approx(max(eigenvalues) / sum(eigenvalues))


@pytest.mark.parametrize(("points", "dimensions", "score"), [(426, 768, 0.356), (426, 64, 0.867)])
def test_isoscore_of_isotropic_points(points, dimensions, score):
    assert isotropic_isoscore(points, dimensions) == pytest.approx(score, abs=5e-4)


def test_isoscore_of_simulated_isotropic_points():
    vectors = random_vectors(426, 64).double()
    found = variance_statistics(torch.from_numpy(np.cov(vectors.numpy().T)))
    assert found["isoscore"] == pytest.approx(isotropic_isoscore(426, 64), rel=0.02)


@pytest.mark.parametrize(("dimensions", "space"), [(1, 10), (2, 50), (5, 50)])
def test_intrinsic_dimension_of_a_subspace(dimensions, space):
    inside = torch.rand(2000, dimensions, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    points = inside @ torch.linalg.qr(random_vectors(space, dimensions).double())[0].mT
    assert two_nn(points) == pytest.approx(dimensions, rel=0.1)
    assert two_nn(torch.cat([points, points[:700]])) == two_nn(points)


def test_intrinsic_dimension_against_naive_computation():
    points = random_vectors(40, 3)
    distances = np.sort(torch.cdist(points.double(), points.double()).numpy(), axis=1)
    assert two_nn(points) == pytest.approx(40 / np.log(distances[:, 2] / distances[:, 1]).sum())


@pytest.mark.parametrize("points", [torch.zeros(9, 2), torch.eye(2), torch.eye(4)])
def test_no_intrinsic_dimension(points):
    # All equal, two points, and points that are all as far apart.
    assert math.isnan(two_nn(points))


@pytest.fixture(scope="module")
def sequences():
    return [random_vectors(len(one), 6, seed) + 0.5 for seed, one in enumerate(KMERS)]


@pytest.fixture(scope="module")
def sums(sequences):
    return [token_sums(vectors, kmers, 5) for vectors, kmers in zip(sequences, KMERS, strict=True)]


def test_pooled_against_naive_computation(sequences, sums):
    found = pooled_statistics(sums[0] + sums[1] + sums[2])
    tokens = torch.cat(sequences).double().numpy()
    kmers = torch.cat(KMERS).numpy()
    number = np.repeat(range(3), [len(one) for one in KMERS])
    units = tokens / np.linalg.norm(tokens, axis=1, keepdims=True)
    cosines, products = units @ units.T, units[:, None] * units[None]
    apart = number[:, None] != number[None]
    assert found["mean_cosine"] == pytest.approx(cosines[apart].mean())
    few = np.sort(products[apart].mean(axis=0))[-3:].sum()
    assert found["top3_cosine_share"] == pytest.approx(few / cosines[apart].mean())
    covariance = np.cov(tokens.T, bias=True)
    eigenvalues = np.linalg.eigvalsh(covariance)
    participation = eigenvalues.sum() ** 2 / (eigenvalues**2).sum()
    assert found["participation"] == pytest.approx(participation)
    assert found["isoscore"] == pytest.approx((participation - 1) / 5)
    assert found["top3_variance_share"] == pytest.approx(np.sort(covariance.diagonal())[-3:].sum() / eigenvalues.sum())
    # k-mers 0 and 4 occur twice and 2 three times; the unknown one is no k-mer.
    of_kmers = []
    for kmer in (0, 2, 4):
        places = np.flatnonzero(kmers == kmer)
        of_kmers.append(np.mean([cosines[i, j] for i in places for j in places if i != j]))
    assert found["self_similarity"] == pytest.approx(np.mean(of_kmers))
    assert found["adjusted_self_similarity"] == pytest.approx(np.mean(of_kmers) - cosines[apart].mean())


def test_sequences_can_be_left_out(sums):
    left = pooled_statistics(sums[0] + sums[1] + sums[2] - sums[1])
    assert left == pytest.approx(pooled_statistics(sums[0] + sums[2]))


def test_one_sequence_has_no_other(sums):
    found = pooled_statistics(sums[0])
    assert math.isnan(found["mean_cosine"]) and not math.isnan(found["isoscore"])
    assert all(math.isnan(value) for value in pooled_statistics(sums[0] - sums[0]).values())


def test_one_coordinate_can_rule_the_cosine():
    vectors = [random_vectors(200, 20, seed) for seed in range(3)]
    for rogue in (0, 20):
        shifted = [one + rogue * torch.eye(20)[7] for one in vectors]
        pooled = [token_sums(one, torch.arange(200), 200) for one in shifted]
        found = pooled_statistics(pooled[0] + pooled[1] + pooled[2])
        if rogue:
            assert found["mean_cosine"] > 0.9 and found["top3_cosine_share"] > 0.99
        else:
            assert abs(found["mean_cosine"]) < 0.01
        # A shift of all tokens has no variance.
        assert found["isoscore"] == pytest.approx(isotropic_isoscore(600, 20), rel=0.02)


def test_equal_and_zero_vectors():
    equal = [token_sums(torch.full((4, 3), 0.1), torch.arange(4), 4) for _ in range(2)]
    found = pooled_statistics(equal[0] + equal[1])
    assert (found["mean_cosine"], found["self_similarity"]) == pytest.approx((1, 1))
    assert math.isnan(found["isoscore"]) and math.isnan(found["top1_variance"])
    none = token_sums(torch.zeros(4, 3), torch.arange(4), 4)
    found = pooled_statistics(none + none)
    assert all(math.isnan(found[name]) for name in POOLED)


def test_within_a_sequence(sequences, sums):
    found = sequence_statistics(sequences[0], sums[0], sums[1] + sums[2])
    units = [torch.nn.functional.normalize(one.double(), dim=1) for one in sequences]
    assert found["R"] == pytest.approx(units[0].sum(dim=0).norm().item() / 4)
    others = torch.cat(units[1:])
    assert found["mean_cosine"] == pytest.approx((units[0] @ others.mT).mean().item())
    assert found["id"] == pytest.approx(two_nn(sequences[0]))
    # All sequences' means with the others, weighted by their pairs, are the pooled mean.
    pooled = pooled_statistics(sums[0] + sums[1] + sums[2])["mean_cosine"]
    total = sums[0] + sums[1] + sums[2]
    each = [sequence_statistics(one, own, total - own) for one, own in zip(sequences, sums, strict=True)]
    weights = [len(one) * (11 - len(one)) for one in sequences]
    assert np.average([one["mean_cosine"] for one in each], weights=weights) == pytest.approx(pooled)


def test_copies_of_a_token_at_its_place_count_once():
    # The last of the first sequence equals the last of the second; 2 stands twice at one place.
    assert sorted(different_tokens(KMERS)) == [0, 1, 2, 3, 5, 8, 9]


def test_findings_of_a_planted_rise():
    """From layer 0 to 2 all grow less isotropic, in each of four classes by as much, from levels of its own."""
    rise = {0: 0.0, 1: 0.1, 2: 0.4}
    own = [0.0, 0.03, 0.09, 0.01]
    pooled, left_out, within = (
        pd.DataFrame(
            [
                {"class": name or str(number), "member_class": str(number), "input": number, "layer": layer}
                | {"mean_cosine": 0.1 + level + up}
                | {"adjusted_self_similarity": 0.5 + level - up, "top3_cosine_share": 0.2 + level + up}
                | {"R": 0.3 + level + up, "isoscore": 0.9 - level - up, "id": 9 - level - up}
                | {"top1_variance": 0.1 + level + up, "top3_variance_share": 0.2 + level + up}
                for number, level in enumerate(levels)
                for layer, up in rise.items()
            ]
        )
        for levels, name in (([0.0], "all"), (own, "all"), (own, ""))
    )
    agreement = agreement_table(within, 0.95)
    # Every measure ranks the layers as the others do, the falling ones too.
    assert agreement["value"].tolist() == pytest.approx([1] * 36)
    found = isotropy_findings(pooled, left_out, within, agreement, 0.95)
    changes = [(one.value, one.low, one.high) for one in found if "layer 2 less layer 0" in one.statistic]
    # None of the changes differs between sequences, so that nothing is left to doubt.
    expected = [(change,) * 3 for change in (0.4, 0.4, -0.4)]
    assert np.array(changes) == pytest.approx(np.array(expected))
    (few,) = [one for one in found if one.statistic.endswith("three coordinates, layer 2")]
    assert few.value == pytest.approx(0.6) and few.low < few.value < few.high


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Three sequences of alpha, two of them with the same tokens, two of beta, none of gamma."""
    folder = tmp_path_factory.mktemp("run")
    twin = random_tokens(0, 20)
    sequences = {"alpha": [twin, random_tokens(1, 16), twin], "beta": [random_tokens(2, 18), twin], "gamma": []}
    write_run(folder, random_bert(layers=2, heads=2, width=8, classes=3), sequences)
    return folder


PARAMS = {"points": 1000, "seed": 1}


def run_isotropy(folder, **params):
    outputs = {"agreement": "agreement.tsv", "findings": "findings.tsv"}
    return run_analysis("isotropy", folder, outputs, **PARAMS | params)


@pytest.fixture(scope="module")
def tables(run):
    table, within = run_isotropy(run)
    return table, within, read_tsv(run / "agreement.tsv"), read_tsv(run / "findings.tsv")


def test_tables(tables, run):
    table, within, agreement, findings = tables
    assert within[["class", "sequence"]].drop_duplicates().to_numpy().tolist() == [
        ["alpha", "alpha/0"],
        ["alpha", "alpha/1"],
        ["beta", "beta/3"],
        ["beta", "beta/4"],
    ]
    assert sorted(set(table["layer"])) == [0, 1, 2]
    pooled = table[(table["scope"] == "pooled") & (table["statistic"] == "mean_cosine")].set_index(["class", "layer"])
    # The twin is in both classes, and counts once in all.
    assert pooled.loc[("all", 2), "n"] == 3 and pooled.loc[("alpha", 2), "n"] == 2
    hidden = torch.from_numpy(np.load(run / "activations/hidden_states.npy"))[:, 2]
    units = [torch.nn.functional.normalize(hidden[row, 1:last], dim=1) for row, last in ((0, 19), (1, 15), (3, 17))]
    pairs = [(units[i] @ units[j].mT).flatten() for i in range(3) for j in range(i)]
    assert pooled.loc[("all", 2), "value"] == pytest.approx(torch.cat(pairs).mean().item(), rel=1e-4)
    points = table[(table["statistic"] == "points") & (table["layer"] == 2)].set_index("class")["value"]
    assert points["all"] <= 18 + 14 + 16 and points["alpha"] <= 18 + 14
    assert len(agreement) == 6 * 6
    same = agreement[agreement["one"] == agreement["other"]]
    assert same["value"].to_numpy() == pytest.approx(1)
    assert len(findings) == 8 and set(findings["verdict"]) <= VERDICTS


def test_same_tables_again(run, tables):
    assert run_isotropy(run)[0].equals(tables[0])


def test_selection(run):
    table, within = run_isotropy(run, layers=[2], selected_classes=["beta"], points=5)
    assert set(within["class"]) == {"beta"} and set(table["layer"]) == {0, 2}


@absent("isotropy", "layers", "selected_classes")
def test_what_does_not_exist_is_named(run, key, value, message):
    with pytest.raises(InputError, match=message):
        run_isotropy(run, **{key: value})


def test_figure(tables):
    figure = draw_isotropy(tables[0], tables[2], CLASSES, CLASSES)
    assert "n = 3 distinct sequences; no sequence of gamma" in figure.get_suptitle()
    assert len(figure.axes) == 10
