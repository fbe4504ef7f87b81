"""Attention patterns: maps of pure patterns, a naive computation, all cuts into blocks, and shares by hand."""

import itertools
import math

import numpy as np
import pytest
import torch

from pure_maps import INDEX, PURE, TRUTH, N, stack
from spikegeometry.geometry.heads import kmer_maps
from spikegeometry.geometry.patterns import SCORES, SIMPLEX, find_blocks, gate_scores, shifted_inside, special_shares


def random_maps(heads, n, seed, sharpness=2.0):
    logits = np.random.default_rng(seed).normal(size=(heads, n, n)) * sharpness
    shares = np.exp(logits)
    return shares / shares.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_pure_patterns(dtype):
    scores = gate_scores(stack(*PURE.values()).to(dtype))
    for head, name in enumerate(PURE):
        found = [scores[score][head].item() for score in SCORES]
        assert found == pytest.approx(TRUTH[name][:8], abs=5e-4), name


def naive_mean(values):
    return sum(values) / len(values)


def naive_scores(a, blocks):
    """The definitions row by row, for a map without zero rows; `blocks` numbers the block of each token."""
    n = len(a)
    context, top = max(2, round(0.05 * n)), max(1, round(0.01 * n))
    c = a.mean(axis=0)

    def excess(inside):
        found = []
        for i in range(n):
            keys = [j for j in range(n) if inside(j - i)]
            if 0 < len(keys) < n:
                chance = len(keys) / n
                found.append((sum(a[i, j] for j in keys) - chance) / (1 - chance))
        return min(max(naive_mean(found), 0), 1)

    far = [(i, j) for i in range(n) for j in range(n) if abs(j - i) > 1]
    within = [(i, j) for i, j in far if blocks[i] == blocks[j]]
    far_mass = sum(a[cell] for cell in far)
    observed = sum(a[cell] for cell in within) / far_mass
    expected = sum(c[j] for _, j in within) / sum(c[j] for _, j in far)
    pure = np.zeros((n, n))
    for i, j in within:
        pure[i, j] = 1 / sum(1 for k, _ in within if k == i)
    cuts = [i for i in range(n) if i == 0 or blocks[i] != blocks[i - 1]]
    shifted = {"map": [], "pure": []}
    for shift in range(1, n):
        moved = {(cut + shift) % n for cut in cuts}
        part = [sum(cut <= i for cut in moved) for i in range(n)]
        for name, one in (("map", a), ("pure", pure)):
            kept = sum(one[i, j] for i, j in far if part[i] == part[j])
            shifted[name].append(kept / sum(one[cell] for cell in far))
    above = (observed - expected) / (1 - expected)
    above_shifts = (observed - naive_mean(shifted["map"])) / (1 - naive_mean(shifted["pure"]))
    row_entropies = [-sum(p * math.log(p) for p in row if p > 0) for row in a]
    joint = a / n
    information = sum(
        joint[i, j] * math.log(joint[i, j] / (c[j] / n)) for i in range(n) for j in range(n) if joint[i, j] > 0
    )
    return {
        "diffuse": naive_mean([(math.exp(h) - 1) / (n - 1) for h in row_entropies]),
        "vertical": max(0, (sum(sorted(c)[-top:]) - top / n) / (1 - top / n)),
        "self": excess(lambda d: d == 0),
        "diag": excess(lambda d: abs(d) <= 1),
        "bwd": excess(lambda d: -context <= d <= -1),
        "fwd": excess(lambda d: 1 <= d <= context),
        "cluster": far_mass / n * min(max(min(above, above_shifts), 0), 1),
        "instance": sum(a[i, j] * max(0, a[i, j] - c[j]) for i, j in far) / n / (1 - 1 / n),
        "colconc": 1 + sum(p * math.log(p) for p in c) / math.log(n),
        "mi": information / math.log(n),
        "hrow": naive_mean(row_entropies) / math.log(n),
    }


@pytest.mark.parametrize("n", [7, 23, 60])
def test_against_naive_computation(n):
    maps = np.concatenate([random_maps(2, n, seed=n), random_maps(1, n, seed=0, sharpness=0.3)])
    # One map with attention ahead, behind and within blocks, so that no score is 0 by clipping.
    distance = np.arange(n) - np.arange(n)[:, None]
    blocks = np.arange(n) // 5
    near = np.exp(-np.abs(distance) / 3.0) + (blocks == blocks[:, None])
    maps = np.concatenate([maps, (near / near.sum(axis=1, keepdims=True))[None]])
    for given in (torch.from_numpy(blocks), None):
        scores = gate_scores(torch.from_numpy(maps), given)
        cuts = np.tile(blocks, (len(maps), 1))
        if given is None:
            excess = (maps - maps.mean(axis=1, keepdims=True)) * (np.abs(distance) > 1)
            cuts = find_blocks(torch.from_numpy(excess), max(3, round(0.02 * n))).numpy()
        for head, (one, cut) in enumerate(zip(maps, cuts, strict=True)):
            expected = naive_scores(one, cut)
            assert {name: scores[name][head].item() for name in expected} == pytest.approx(expected, abs=1e-6)


def test_float32_agrees_with_float64():
    maps = torch.from_numpy(random_maps(4, 80, seed=1))
    single, double = gate_scores(maps.float()), gate_scores(maps)
    for name in SCORES + SIMPLEX:
        assert single[name].double().numpy() == pytest.approx(double[name].numpy(), abs=1e-5)


@pytest.mark.parametrize("name", PURE)
def test_simplex(name):
    scores = gate_scores(stack(PURE[name], *random_maps(3, N, seed=3)))
    assert sum(scores[part] for part in SIMPLEX).numpy() == pytest.approx(1, abs=1e-6)
    assert all(scores[part].min().item() > -1e-6 for part in SIMPLEX)


# Blocks

LONG = 424
BLOCK = np.arange(LONG) * 12 // LONG
APART = np.abs(np.arange(LONG) - np.arange(LONG)[:, None])
FADING = {
    "band": 1.0 * (APART <= 60),
    "exponential": np.exp(-APART / 20),
    "Gaussian": np.exp(-((APART / 30) ** 2) / 2),
}
BLOCKED = {
    "twelve blocks": 1.0 * (BLOCK[:, None] == BLOCK),
    "twelve blocks that fade": (BLOCK[:, None] == BLOCK) * np.exp(-APART / 20),
    "half of it even": (BLOCK[:, None] == BLOCK) + 1 / 12,
}


def test_attention_that_fades_with_distance_has_no_blocks():
    maps = stack(*(rows / rows.sum(axis=1, keepdims=True) for rows in (*FADING.values(), *BLOCKED.values())))
    cluster = gate_scores(maps)["cluster"].tolist()
    assert max(cluster[: len(FADING)]) < 0.2
    assert min(cluster[len(FADING) :]) > 0.4


def test_inside_of_shifted_cuts_by_hand():
    """Two blocks of two tokens: cuts at 0 and 2 move to 1 and 3, back to 0 and 2, and to 1 and 3."""
    mass = torch.arange(16, dtype=torch.float64).reshape(1, 4, 4)
    found = shifted_inside(mass, torch.tensor([[0, 0, 1, 1]]))
    kept, moved = (0 + 1 + 4 + 5) + (10 + 11 + 14 + 15), 0 + (5 + 6 + 9 + 10) + 15
    assert found.tolist() == pytest.approx([(2 * moved + kept) / 3])


def test_four_blocks_are_found_exactly():
    excess = PURE["four blocks"] - PURE["four blocks"].mean(axis=0)
    excess *= np.abs(INDEX - INDEX[:, None]) > 1
    assert find_blocks(torch.from_numpy(excess)[None], 3)[0].tolist() == np.repeat(range(4), 10).tolist()


def all_cuts(n, shortest):
    for inner in itertools.product((False, True), repeat=n - 1):
        borders = [0, *(i + 1 for i, cut in enumerate(inner) if cut), n]
        if min(np.diff(borders)) >= shortest:
            yield borders


@pytest.mark.parametrize("shortest", [1, 2, 3])
def test_blocks_are_the_best_of_all_cuts(shortest):
    several = np.random.default_rng(shortest).normal(size=(20, 11, 11))
    found = find_blocks(torch.from_numpy(several), shortest).numpy()
    for excess, blocks in zip(several, found, strict=True):

        def held(borders, excess=excess):
            return sum(excess[a:b, a:b].sum() for a, b in itertools.pairwise(borders))

        best = max(all_cuts(11, shortest), key=held)
        assert blocks.tolist() == np.repeat(range(len(best) - 1), np.diff(best)).tolist()


def test_equal_cuts_and_short_maps():
    # All cuts of nothing are equal: the longest last block is all of it. Rounding errors do not count.
    noise = 1e-9 * np.random.default_rng(0).normal(size=(1, 12, 12))
    for excess in (np.zeros((1, 12, 12)), noise, np.ones((1, 2, 2))):
        assert not find_blocks(torch.from_numpy(excess), 3).any()


# K-mers alone


def test_kmer_maps():
    row = [0.5, 0.25, 0.25, 0.0]
    maps, mass = kmer_maps(torch.tensor([[row, row, row, row]]))
    assert maps.tolist() == [[[0.5, 0.5], [0.5, 0.5]]]
    assert mass.tolist() == [[0.5, 0.5]]


def test_rows_without_attention_to_kmers_are_left_out():
    full = random_maps(1, 12, seed=5)
    padded = np.zeros((1, 14, 14))
    padded[:, 1:-1, 1:-1] = full
    padded[:, 4] = 0
    padded[:, 4, 0] = 1  # the fourth k-mer attends to [CLS] only
    maps, mass = kmer_maps(torch.from_numpy(padded))
    assert mass[0, 3] == 0
    scores = gate_scores(maps)
    rows = np.delete(full[0], 3, axis=0)
    entropies = -(rows * np.log(rows)).sum(axis=1)
    assert scores["diffuse"].item() == pytest.approx(np.mean((np.exp(entropies) - 1) / 11))
    own = np.delete(np.diag(full[0]), 3)
    assert scores["self"].item() == pytest.approx(max(0, np.mean((own - 1 / 12) / (11 / 12))))
    assert scores["vertical"].item() == pytest.approx((rows.mean(axis=0).max() - 1 / 12) / (11 / 12))
    assert sum(scores[name] for name in SIMPLEX).item() == pytest.approx(1)


def test_head_without_rows_and_map_of_one_token():
    for maps in (torch.zeros(2, 9, 9), torch.ones(2, 1, 1)):
        scores = gate_scores(maps)
        assert all(scores[name].isnan().all() for name in SCORES + SIMPLEX)
    # Beside other heads it does not disturb them.
    scores = gate_scores(torch.stack([torch.zeros(9, 9), torch.eye(9)]))
    assert scores["self"].isnan().tolist() == [True, False]


# Where attention goes


def test_special_shares_by_hand():
    rows = [[0.1, 0.2, 0.3, 0.4], [0.5, 0.2, 0.2, 0.1], [0.4, 0.4, 0.1, 0.1], [0.0, 0.6, 0.4, 0.0]]
    shares = {name: value.item() for name, value in special_shares(torch.tensor([rows])).items()}
    assert shares == pytest.approx(
        {
            "to_cls": 1.0 / 4,
            "to_sep": 0.6 / 4,
            "to_self": 0.4 / 4,
            "to_prev": (0.5 + 0.4 + 0.4) / 3,
            "to_next": (0.2 + 0.2 + 0.1) / 3,
            "to_kmer": 2.4 / 4,
            "chance": 1 / 4,
        }
    )


@pytest.mark.parametrize(
    "maps",
    [torch.full((1, 3, 3), 1 / 3), torch.eye(3)[None], torch.eye(3)[[0, 0, 0]][None]],
    ids=("even", "itself", "one key"),
)
def test_shares_of_whole_rows_sum_to_one(maps):
    shares = special_shares(maps)
    assert (shares["to_cls"] + shares["to_kmer"] + shares["to_sep"]).item() == pytest.approx(1)
