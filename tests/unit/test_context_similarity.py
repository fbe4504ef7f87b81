"""Context similarity: pairs, ranges and anchors known by hand, a naive computation, the tables, and the script."""

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from spikegeometry.analyses.tables.context_tables import anchor_uniqueness, context_findings
from spikegeometry.dataset.vocabulary import SPECIAL_TOKENS, UNK, read_vocabulary, write_vocabulary
from spikegeometry.errors import InputError
from spikegeometry.figures.context_similarity import draw_context_similarity, draw_distances, draw_maps
from spikegeometry.geometry.context_similarity import (
    SENSITIVITY,
    distance_shares,
    highest,
    layer_similarity,
    pair_statistics,
    possible_pairs,
    similarities,
    special_attention,
)
from spikegeometry.geometry.heads import head_tensors
from spikegeometry.model.weights import read_layers
from spikegeometry.tables import read_tsv, write_tsv
from tiny_run import FIRST_KMER, VERDICTS, VOCABULARY, absent, random_tokens, run_analysis, small_bert, write_run

Z = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 2.0]])


def of(m, domains=None, closest=1, tokens=None):
    membership = torch.ones(m, 1) if domains is None else torch.eye(max(domains) + 1)[torch.tensor(domains)]
    tokens = torch.arange(FIRST_KMER, FIRST_KMER + m) if tokens is None else torch.tensor(tokens)
    return possible_pairs(tokens, membership, closest, UNK)


def chosen(pairs, members):
    wanted = torch.tensor([(int(i), int(j)) in members for i, j in zip(pairs.first, pairs.second, strict=True)])
    return wanted.unsqueeze(0)


def values(matrix, pairs):
    return matrix[pairs.first, pairs.second].unsqueeze(0)


def test_matrices():
    found = similarities(Z)
    assert found["dot", "as_is"].tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 2], [0, 0, 2, 4]]
    assert found["cosine", "as_is"].tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]


def test_most_similar_pairs_and_ties():
    found, pairs = similarities(Z), of(4)
    ((by_dot,), (by_cosine,)) = (highest(values(found[kind, "as_is"], pairs), [0.01]) for kind in ("dot", "cosine"))
    assert torch.equal(by_dot, chosen(pairs, {(2, 3)}))
    assert torch.equal(by_cosine, chosen(pairs, {(0, 1), (2, 3)}))
    assert pair_statistics(by_cosine, pairs)["high_share"].item() == pytest.approx(2 / 6)


def test_matrices_are_gram_matrices():
    vectors = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    for (_, variant), matrix in similarities(vectors).items():
        eigenvalues = torch.linalg.eigvalsh(matrix.double()).flip(0)
        assert torch.equal(matrix, matrix.mT)
        # Positive semidefinite, and of no higher rank than the vectors have dimensions.
        assert eigenvalues.abs()[3:].max() < 1e-5 * eigenvalues[0], variant


@pytest.mark.parametrize(("kmers", "mean"), [(4, 5 / 3), (426, 427 / 3)])
def test_mean_distance_of_all_pairs(kmers, mean):
    assert of(kmers).distance.mean().item() == pytest.approx(mean)


def test_neighbours_can_be_left_out():
    pairs = of(4, closest=2)
    assert list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == [(0, 2), (0, 3), (1, 3)]
    with pytest.raises(InputError, match="no two that are 4 apart"):
        of(4, closest=4)


def test_a_cosine_at_the_bound_is_similar():
    """Of the six pairs two are parallel, with cosines of exactly 1."""
    tensors = SimpleNamespace(z=torch.nn.functional.pad(Z, (0, 0, 1, 1))[None], attention=torch.ones(1, 6, 6) / 6)
    tensors.mha = tensors.z[0]
    records = [record for kind, record in layer_similarity(tensors, [1], of(4), [0.5], cosine=1.0) if kind == "pairs"]
    (as_is,) = [one for one in records if (one["measure"], one["variant"]) == ("cosine", "as_is")]
    assert as_is["similar_share"].tolist() == pytest.approx([2 / 6, 2 / 6])


def test_findings_of_planted_layers():
    """Range falls, domains and attention to [SEP] rise, from layer 1 to 3, alike in five classes."""
    of_layer = {1: (1.5, 0.5, 0.8, 0.3), 2: (1.4, 0.6, 0.9, 0.5), 3: (0.7, 1.5, 1.2, 2.5)}
    rows = [
        {"class": str(number), "input": number, "layer": layer, "long_range": reach, "same_domain_ratio": domain}
        | {"same_domain_matched_ratio": matched, "sep_relative": sep, "site": "head", "uniqueness": 0.75}
        | {"anchor_share": 0.6, "anchor_share_null": 0.2, "measure": measure, "variant": variant}
        for number in range(5)
        for layer, (reach, domain, matched, sep) in of_layer.items()
        for measure, variant in (("dot", "as_is"), ("cosine", "centred"))
    ]
    table = pd.DataFrame(rows)
    found = context_findings(table, table, table, 0.95)
    values = [one.value for one in found]
    assert values == pytest.approx([1.5, -0.8, 1.5, 1.2, 3, 0.75] * 2 + [2.5, 2.2])
    assert [one.statistic.split(";")[0] for one in found if "layer 3 less" in one.statistic] == [
        "the same, layer 3 less layer 1"
    ] * 3


def test_range():
    pairs = of(4)
    found = pair_statistics(torch.cat([chosen(pairs, {(0, 3)}), chosen(pairs, {(0, 1), (1, 2)})]), pairs)
    assert found["long_range"].tolist() == pytest.approx([3 / (5 / 3), 1 / (5 / 3)])


def test_domains_against_chance():
    domains = [0, 0, 0, 0, 1, 1, 1, 2, 2, 2]
    pairs = of(10, domains)
    sizes = np.bincount(domains)
    chance = (sizes * (sizes - 1)).sum() / (10 * 9)
    every = torch.ones(1, len(pairs.first), dtype=torch.bool)
    found = pair_statistics(every, pairs)
    assert found["same_domain"].item() == pytest.approx(chance)
    assert [found[f"same_domain{kind}_ratio"].item() for kind in ("", "_matched")] == pytest.approx([1, 1])
    # Neighbours share a domain in 7 of 9 cases: to take all of them is a preference for what is near, not for domains.
    near = pair_statistics(chosen(pairs, {(i, i + 1) for i in range(9)}), pairs)
    assert near["same_domain_ratio"].item() == pytest.approx(7 / 9 / chance)
    assert near["same_domain_matched_ratio"].item() == pytest.approx(1)


def test_kmers_across_a_border_count_in_part():
    membership = torch.tensor([[1, 0], [0.5, 0.5], [0, 1]])
    pairs = possible_pairs(torch.arange(3), membership, 1, UNK)
    assert pairs.same_domain.tolist() == [0.5, 0, 0.5]


def test_same_kmer():
    pairs = of(4, tokens=[7, UNK, 7, UNK])
    found = pair_statistics(chosen(pairs, {(0, 2), (1, 3)}), pairs)
    assert (found["same_kmer"].item(), found["same_kmer_null"].item()) == (0.5, pytest.approx(1 / 6))


def test_long_vector_is_the_anchor():
    vectors = torch.rand(50, 4, generator=torch.Generator().manual_seed(0)) + 0.1
    vectors[17] *= 100
    pairs = of(50, tokens=[*range(60, 110)])
    (high,) = highest(values(similarities(vectors)["dot", "as_is"], pairs), [0.01])
    found = pair_statistics(high, pairs)
    assert (found["anchor"].item(), found["anchor_token"].item(), found["anchor_share"].item()) == (18, 77, 1)


def test_anchor_of_random_pairs():
    pairs = of(100)
    generator = torch.Generator().manual_seed(0)
    high = torch.rand(300, len(pairs.first), generator=generator) < 0.02
    found = pair_statistics(high, pairs)
    assert found["anchor_share"].mean().item() == pytest.approx(found["anchor_share_null"].mean().item(), rel=0.15)


@pytest.mark.parametrize("vectors", [torch.ones(6, 3), torch.zeros(6, 3), torch.full((6, 3), 0.1)])
def test_even_attention_has_no_similar_pairs(vectors):
    pairs = of(6)
    for matrix in similarities(vectors).values():
        (high,) = highest(values(matrix, pairs), [0.1])
        found = pair_statistics(high, pairs)
        assert found["high_share"].item() == 0
        for name in ("long_range", "same_domain_ratio", "anchor", "anchor_share", "anchor_share_null", "same_kmer"):
            assert math.isnan(found[name].item()), name
        assert distance_shares(high, pairs)["share"].isnan().all()


def test_distances_against_the_null():
    pairs = of(9)
    every = torch.ones(2, len(pairs.first), dtype=torch.bool)
    every[1, 1:] = False
    found = distance_shares(every, pairs)
    assert found["shortest"].tolist() == [1, 2, 4, 8]
    assert found["longest"].tolist() == [1, 3, 7, 15]
    null = [sum(2 * (9 - t) / (9 * 8) for t in range(first, min(9, 2 * first))) for first in (1, 2, 4, 8)]
    assert found["null"].tolist() == pytest.approx(null)
    # One head takes all pairs, the other the neighbours 0 and 1 alone.
    assert found["share"].tolist() == pytest.approx([(null[0] + 1) / 2, *(share / 2 for share in null[1:])])


def test_attention_to_special_tokens():
    attention = torch.tensor([[[0.5, 0.25, 0.25], [0, 0, 1], [0, 0.5, 0.5]]])
    found = special_attention(attention)
    assert found["to_cls"].tolist() == pytest.approx([0.5 / 3])
    assert found["sep_relative"].tolist() == pytest.approx([1.75])


@pytest.fixture(scope="module")
def model():
    return small_bert()


@pytest.fixture(scope="module")
def sequences():
    """Three sequences of alpha, two of them with the same tokens, one of beta, none of gamma."""
    twin = random_tokens(0, 30)
    return {"alpha": [twin, random_tokens(1, 24), twin], "beta": [random_tokens(2, 28)], "gamma": []}


@pytest.fixture(scope="module")
def run(tmp_path_factory, model, sequences):
    folder = tmp_path_factory.mktemp("run")
    write_run(folder, model, sequences)
    kmers = itertools.islice(itertools.product("ACGT", repeat=3), VOCABULARY - len(SPECIAL_TOKENS))
    write_vocabulary(["".join(kmer) for kmer in kmers], folder / "vocabulary.txt")
    write_tsv(pd.DataFrame({"name": ["a", "b"], "start": [1, 20], "end": [19, 90]}), folder / "domains.tsv")
    return folder


PARAMS = {
    "top": 0.1,
    "sensitivity": [0.3],
    "cosine": 0.5,
    "overlapping": False,
    "maps": [],
    "k": 12,
    "stride": 9,
}
FILES = {name: f"{name}.tsv" for name in ("distances", "anchors", "findings")} | {"maps": "maps.npz"}


def run_context(folder, **params):
    inputs = {"domains": "domains.tsv", "vocabulary": "vocabulary.txt"}
    return run_analysis("context_similarity", folder, FILES, inputs, **PARAMS | params)


@pytest.fixture(scope="module")
def tables(run):
    table, measurements = run_context(run)
    with np.load(run / "maps.npz", allow_pickle=False) as maps:
        drawn = {name: maps[name] for name in maps}
    return table, measurements, {name: read_tsv(run / FILES[name]) for name in FILES if name != "maps"}, drawn


def row(table, **place):
    found = table[(table[list(place)] == list(place.values())).all(axis=1)]
    assert len(found) == 1
    return found.iloc[0]


def test_against_naive_computation(run, tables, model, sequences):
    tokens = sequences["beta"][0]
    with torch.inference_mode():
        hidden = model(torch.from_numpy(tokens)[None], output_hidden_states=True).hidden_states[1][0]
    tensors = head_tensors(hidden, read_layers(run / "model")[1], 4, model.config.layer_norm_eps)
    vectors = tensors.z[2, 1:-1].double().numpy()
    vectors = vectors - vectors.mean(axis=0)
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs = [(i, j) for i in range(26) for j in range(i + 2, 26)]
    cosines = {pair: units[pair[0]] @ units[pair[1]] for pair in pairs}
    top = sorted(pairs, key=cosines.get)[-round(0.1 * len(pairs)) :]
    place = {"class": "beta", "layer": 2, "head": 3, "measure": "cosine", "variant": "centred", "top": 0.1}
    of_place = {name: row(tables[0], **place, statistic=name)["value"] for name in ("long_range", "similar_share")}
    expected = np.mean([j - i for i, j in top]) / np.mean([j - i for i, j in pairs])
    assert of_place["long_range"] == pytest.approx(expected, rel=1e-4)
    assert of_place["similar_share"] == pytest.approx(np.mean([cosine >= 0.5 for cosine in cosines.values()]), rel=1e-4)
    members = np.bincount(np.ravel(top), minlength=26)
    anchor = row(tables[2]["anchors"], **place)
    assert anchor["anchor"] == members.argmax() + 1
    assert anchor["pair_share"] == pytest.approx(members.max() / len(top), rel=1e-4)
    assert anchor["kmer"] == read_vocabulary(run / "vocabulary.txt")[tokens[anchor["anchor"]]]
    assert anchor["first_residue"] == 3 * (anchor["anchor"] - 1) + 1


def test_tables(tables):
    table, measurements, files, maps = tables
    # Three distinct sequences, two layers, four heads and the layer, four kinds of similarity, two shares.
    assert len(measurements) == 3 * 2 * 5 * 4 * 2
    assert set(table["class"]) == {"alpha", "beta", "all"}
    assert row(table, **{"class": "all", "layer": 1, "head": 1, "statistic": "to_sep"})["n"] == 3
    other = table[(table["top"] == 0.3)]
    assert set(other["statistic"]) == set(SENSITIVITY)
    layer = table[(table["site"] == "layer") & (table["statistic"] == "long_range")]
    assert layer["head"].isna().all() and len(layer) == 3 * 2 * 4 * 2
    shares = files["distances"]
    sums = shares.groupby(["class", "layer", "measure", "variant", "statistic"])["value"].sum()
    assert sums.to_numpy() == pytest.approx(1, abs=0.02)
    uniqueness = table.loc[table["statistic"] == "uniqueness", "value"]
    assert len(uniqueness) == 3 * 2 * 4 and uniqueness.between(0.25, 1).all()
    assert len(files["findings"]) == 14 and set(files["findings"]["verdict"]) <= VERDICTS
    assert sorted({name.split()[0] for name in maps if name != "sequence"}) == ["1", "2"]
    assert str(maps["sequence"]) == "beta/3"


def test_anchors_of_a_layer():
    anchors = pd.DataFrame({"anchor": [5, 5, 9, np.nan], "head": [1.0, 2, 3, 4], "site": "head"})
    places = {"class": "a", "input": 0, "layer": 1, "measure": "dot", "variant": "as_is", "top": 0.1}
    assert anchor_uniqueness(anchors.assign(**places))["uniqueness"].tolist() == pytest.approx([2 / 3])


def test_one_head_has_no_uniqueness(run):
    table, measurements = run_context(run, layers=[2], heads=[3], selected_classes=["beta"], maps=[[2, 3]])
    assert set(measurements["layer"]) == {2} and set(measurements["head"].dropna()) == {3}
    assert "uniqueness" not in set(table["statistic"])
    findings = read_tsv(run / "findings.tsv")
    assert set(findings["verdict"]) == {"not applicable"}  # one sequence has no interval


@absent("context_similarity")
def test_what_does_not_exist_is_named(run, key, value, message):
    with pytest.raises(InputError, match=message):
        run_context(run, **{key: value})


def test_map_of_a_head_that_does_not_exist(run):
    with pytest.raises(InputError, match=r"analyses.context_similarity.maps: \(1, 9\) does not exist"):
        run_context(run, maps=[[1, 9]])


def test_first_share_has_all_statistics(run, model, sequences):
    tokens = torch.from_numpy(sequences["beta"][0])
    with torch.inference_mode():
        hidden = model(tokens[None], output_hidden_states=True).hidden_states[0][0]
    tensors = head_tensors(hidden, read_layers(run / "model")[0], 4, model.config.layer_norm_eps)
    records = list(layer_similarity(tensors, [1, 4], of(26, closest=2), [0.1, 0.3], 0.5))
    assert [kind for kind, _ in records].count("distances") == 4
    first, other = ([record for kind, record in records if kind == "pairs"][place] for place in (0, 1))
    assert first["head"] == [1, 4, None] and first["site"] == ["head", "head", "layer"]
    assert not first["anchor"].isnan().any() and other["anchor"].isnan().all()
    assert not other["long_range"].isnan().any()


def test_figures(tables):
    table, _, files, maps = tables
    domains = pd.DataFrame({"name": ["a", "b"], "first": [0.3, 7], "last": [7, 30]})
    mutations = pd.DataFrame({"class": ["alpha"], "name": ["N4Y"], "first": [3], "last": [4]})
    chosen_classes = ["alpha", "beta", "gamma"]
    figure = draw_context_similarity(table, files["anchors"], domains, mutations, 0.1, 0.5, chosen_classes)
    assert "n = 3 distinct sequences; no sequence of gamma" in figure.get_suptitle()
    assert "10% most similar" in draw_distances(files["distances"], 0.1).get_suptitle()
    drawn = {name: values for name, values in maps.items() if name != "sequence"}
    figure = draw_maps(drawn, "beta/3", domains)
    assert [axis.get_title().split(",")[0] for axis in figure.axes[:4]] == ["Layer 1"] * 2 + ["Layer 2"] * 2
