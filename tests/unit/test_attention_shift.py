"""Attention shift: maps and vectors whose distance is known, matching by hand, findings, and the script."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.spatial.distance import jensenshannon

from spikegeometry.analyses.tables import head_shift
from spikegeometry.analyses.tables.head_shift import matched_heads, shift_findings, shift_table
from spikegeometry.errors import InputError
from spikegeometry.figures.attention_shift import draw_attention_shift
from spikegeometry.geometry.attention_shift import View, alignment, compare, destinations, entropy, view
from spikegeometry.geometry.heads import attention_maps
from spikegeometry.model.encoder import hidden_states, load_encoder
from spikegeometry.model.weights import read_layers
from spikegeometry.tables import read_tsv
from tiny_run import CLASSES, absent, random_tokens, run_analysis, small_bert, write_small_run

EYE, EVEN = torch.eye(4), torch.full((4, 4), 0.25)


def seen(*maps, weights=1.0):
    attention = torch.stack(maps)
    return View(attention, entropy(attention), attention.norm(dim=(-2, -1)), torch.full((len(maps), 6), weights))


def random_maps(heads, n, seed):
    return torch.softmax(2 * torch.randn(heads, n, n, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_a_model_and_itself():
    maps = random_maps(3, 9, 0)
    found = compare(seen(*maps), seen(*maps))
    assert found["cosine"].tolist() == pytest.approx([1] * 3)
    assert found["js"].tolist() == found["weight_change"].tolist() == [0] * 3


def test_itself_against_even_attention():
    found = compare(seen(EYE), seen(EVEN))
    # cos(I, J/n) = 1 / sqrt(n), which is chance: nothing but the row sums is common.
    assert found["cosine"].item() == found["chance"].item() == 0.5
    # A row: H(5/8, 1/8, 1/8, 1/8) - (0 + 2) / 2 bits.
    assert found["js"].item() == pytest.approx(-5 / 8 * math.log2(5 / 8) + 3 / 8 * 3 - 1, abs=1e-6)
    assert found["js"].item() == pytest.approx(0.5488, abs=5e-5)
    assert [destinations(seen(maps))["even"].item() for maps in (EYE, EVEN)] == [0.5, 1]


def test_disjoint_keys():
    found = compare(seen(EYE), seen(EYE.roll(1, dims=1)))
    assert (found["cosine"].item(), found["js"].item()) == (0, 1)


def test_cosines_with_every_head():
    found = compare(seen(EYE, EVEN), seen(EVEN, EYE.roll(1, dims=1)))
    assert found["cosine_1"].tolist() == [0.5, 1]
    assert found["cosine_2"].tolist() == [0, 0.5]
    assert found["cosine"].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("n", [5, 40])
def test_against_naive_computation(n):
    one, other = random_maps(2, n, 1), random_maps(2, n, 2)
    found = compare(seen(*one), seen(*other))
    for head in range(2):
        a, b = one[head].double().numpy(), other[head].double().numpy()
        js = np.mean([jensenshannon(p, q, base=2) ** 2 for p, q in zip(a, b, strict=True)])
        cosine = (a * b).sum() / math.sqrt((a**2).sum() * (b**2).sum())
        assert found["js"][head].item() == pytest.approx(js, abs=1e-6)
        assert found["cosine"][head].item() == pytest.approx(cosine, abs=1e-6)


def test_unrelated_maps_have_the_cosine_of_chance():
    one, other = random_maps(4, 200, 3), random_maps(4, 200, 4)
    found = compare(seen(*one), seen(*other))
    assert found["cosine"].tolist() == pytest.approx(found["chance"].tolist(), abs=0.02)
    assert found["chance"].max().item() < 0.3


def test_change_of_weights():
    assert compare(seen(EYE, weights=3.0), seen(EYE, weights=2.0))["weight_change"].item() == pytest.approx(0.5)


@pytest.mark.parametrize(("name", "change"), [("query", 1 / 2), ("key", 1 / 2), ("value", 0), ("output", 0)])
def test_weights_that_change_are_those_of_query_and_key(name, change):
    """A weight that is doubled moves by its own length, which is the root of half of the squared length of two."""
    layer = {
        f"{part}.{kind}": torch.ones(4, 4)[0 if kind == "bias" else ...]
        for part in ("query", "key", "value", "output")
        for kind in ("weight", "bias")
    }
    before = view(vectors(5, 4, 0), layer, 2)
    after = view(vectors(5, 4, 0), layer | {f"{name}.weight": 2 * layer[f"{name}.weight"]}, 2)
    assert compare(after, before)["weight_change"].tolist() == pytest.approx([math.sqrt(change)] * 2)


def vectors(n, d, seed):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def test_alignment():
    one, other = vectors(50, 6, 0), vectors(50, 4, 1)
    turned = torch.linalg.qr(vectors(6, 6, 2)).Q
    assert alignment(one, one) == pytest.approx(1)
    assert alignment(one, 3 * one @ turned + 5) == pytest.approx(1, abs=1e-5)
    x, y = (value.double().numpy() - value.double().numpy().mean(axis=0) for value in (one, other))
    expected = np.linalg.norm(y.T @ x) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))
    assert alignment(one, other) == pytest.approx(expected, abs=1e-6)
    assert math.isnan(alignment(one, torch.ones(50, 4)))


# Matching, tables and findings


def measured(cosines, against="pretrained", **statistics):
    """Rows of one layer from the cosines (sequences, heads, heads of the other)."""
    rows = []
    for number, of_sequence in enumerate(cosines):
        for head, values in enumerate(of_sequence, start=1):
            place = {"class": "alpha", "sequence": f"s{number}", "input": number, "against": against, "layer": 1}
            columns = {f"cosine_{other}": value for other, value in enumerate(values, start=1)}
            rows.append(place | {"head": head, "cosine": values[head - 1]} | columns | statistics)
    return pd.DataFrame(rows)


def test_heads_are_matched_by_their_mean_cosine():
    # By the first sequence alone heads would stay where they are; 0.1 + 0.9 + 0.8 is the largest sum of means.
    one = [[0.9, 0.1, 0.0], [0.8, 0.9, 0.0], [0.0, 0.0, 0.8]]
    other = [[0.1, 0.9, 0.0], [1.0, 0.1, 0.0], [0.0, 0.0, 0.8]]
    both = matched_heads(measured([one, other]), 3)
    assert both["matched_head"].tolist() == [2, 1, 3] * 2
    assert both["matched"].tolist() == [0.1, 0.8, 0.8, 0.9, 1.0, 0.8]
    assert matched_heads(measured([one]), 3)["matched_head"].tolist() == [1, 2, 3]
    # Copies of a sequence decide nothing, and a choice of heads is matched among all of the other model.
    copies = measured([one, other, one, one]).assign(input=[0] * 3 + [1] * 3 + [0] * 6)
    assert matched_heads(copies, 3)["matched_head"].tolist() == [2, 1, 3] * 4
    chosen = measured([[[0.2, 0.1, 0.7], [0.1, 0.2, 0.9]]])
    assert matched_heads(chosen, 3)["matched_head"].tolist() == [1, 3]


def test_table_of_layers():
    rows = measured([[[0.2, 0.0], [0.0, 0.6]], [[0.4, 0.0], [0.0, 0.8]]], chance=0.1, js=0.5, weight_change=1.0)
    rows = rows.join(matched_heads(rows, 2))
    keys = ["class", "sequence", "input", "against", "layer"]
    outputs = pd.concat([rows[keys].drop_duplicates().assign(layer=layer, cka=0.3 + layer) for layer in (0, 1)])
    table = shift_table(rows, outputs, ["alpha"], 0.95)
    layers = table[(table["class"] == "all") & table["head"].isna()].set_index(["layer", "statistic"])["value"]
    assert layers[1, "cosine"] == pytest.approx(0.5)
    assert (layers[0, "cka"], layers[1, "cka"], layers[1, "js"]) == pytest.approx((0.3, 1.3, 0.5))
    assert set(layers[0].index) == {"cka"}
    heads = table[(table["class"] == "alpha") & (table["statistic"] == "cosine")].dropna(subset="head")
    assert heads["value"].tolist() == pytest.approx([0.3, 0.7])


def changed(cosines, divergences):
    """Rows of one sequence in each of two classes, with one head a layer, against the pre-trained model and another."""
    rows = []
    for number, shift in enumerate((0.0, 0.1)):
        for layer, (cosine, js) in enumerate(zip(cosines, divergences, strict=True), start=1):
            place = {"class": str(number), "input": number, "layer": layer, "head": 1}
            rows.append(place | {"against": "pretrained", "cosine": cosine - shift, "js": js})
            rows.append(place | {"against": "random", "cosine": 9.0, "js": 9.0})
    return pd.DataFrame(rows)


def attended(before, after):
    rows = [
        {"class": str(number), "input": number, "layer": layer, "head": 1, "model": model}
        | {"to_cls": value + number, "to_sep": 0.5}
        for number in (0, 1)
        for model, values in {"pretrained": before, "finetuned": after}.items()
        for layer, value in enumerate(values, start=1)
    ]
    return pd.DataFrame(rows)


def test_findings_by_hand():
    attention = attended([0.1, 0.2, 0.3, 0.4], [0.2, 0.4, 0.6, 0.8])
    findings = shift_findings(changed([0.9, 0.7, 0.6, 0.2], [0.1, 0.1, 0.3, 0.5]), attention, 4, 0.95)
    assert [finding.value for finding in findings] == pytest.approx([0.4, 0.3, 1])
    assert [finding.n for finding in findings] == [2] * 3
    assert [finding.bound for finding in findings] == pytest.approx([0, 0, 0.5**0.5])


def test_findings_are_of_the_pretrained_model_wherever_it_stands():
    shifts = changed([0.9, 0.7, 0.6, 0.2], [0.1, 0.1, 0.3, 0.5])
    attention = attended([0.1, 0.2, 0.3, 0.4], [0.2, 0.4, 0.6, 0.8])
    last = shift_findings(shifts.sort_values("against", ascending=False), attention, 4, 0.95)
    assert [finding.value for finding in last] == pytest.approx([0.4, 0.3, 1])


def test_attention_to_both_special_tokens_counts():
    """Attention to [CLS] goes the other way after training, but that to [SEP], which is most, stays."""
    attention = attended([0.01, 0.02, 0.03, 0.04], [0.04, 0.03, 0.02, 0.01])
    attention["to_sep"] = 0.1 * attention["layer"]
    inherited = shift_findings(changed([0.9] * 4, [0.1] * 4), attention, 4, 0.95)[-1]
    # 0.11, 0.22, 0.33, 0.44 before, and 0.14, 0.23, 0.32, 0.41 after: both on a line.
    assert inherited.value == pytest.approx(1)


def test_findings_that_a_small_model_cannot_have():
    findings = shift_findings(changed([0.9, 0.7], [0.1, 0.1]), attended([0.1, 0.2], [0.2, 0.4]), 2, 0.95)
    assert [finding.n for finding in findings] == [0] * 3
    assert all(finding.verdict != "supported" for finding in findings)
    constant = attended([0.1, 0.1, 0.1], [0.2, 0.4, 0.6])
    assert shift_findings(changed([0.9] * 3, [0.1] * 3), constant, 3, 0.95)[-1].n == 0


# The script

MODELS = ["pretrained", "finetuned", "seed1"]
OTHERS = ["pretrained", "seed1"]
PARAMS = {"models": OTHERS, "device": "cpu", "threads": 1}
OUTPUTS = {"findings": "findings.tsv", "attention": "attention.tsv"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The small run with three layers; seed1 is the fine-tuned model."""
    folder = write_small_run(tmp_path_factory.mktemp("run"), layers=3)
    small_bert(layers=3, seed=1).bert.save_pretrained(folder / "pretrained")
    (folder / "seed1").symlink_to("model")
    return folder


INPUTS = {"models": OTHERS}


@pytest.fixture(scope="module")
def tables(run):
    return run_analysis("attention_shift", run, OUTPUTS, INPUTS, **PARAMS)


def test_encoder_gives_the_recorded_states(run):
    recorded = np.load(run / "activations/hidden_states.npy")
    encoder = load_encoder(run / "model", torch.device("cpu"))
    found = hidden_states(encoder, np.load(run / "activations/tokens.npy")[1, :11])
    assert found.shape == (4, 11, 16)
    assert found.numpy() == pytest.approx(recorded[1, :, :11], abs=1e-5)


def test_weights_that_are_not_finite(tmp_path):
    broken = small_bert(layers=3)
    with torch.no_grad():
        broken.bert.embeddings.LayerNorm.bias[0] = math.nan
    broken.save_pretrained(tmp_path)
    with pytest.raises(InputError, match="not finite"):
        hidden_states(load_encoder(tmp_path, torch.device("cpu")), random_tokens(0, 8))


def test_the_same_model_has_not_moved(tables):
    table, sequences = tables
    same = table[table["against"] == "seed1"].groupby("statistic")["value"]
    for statistic, value in {"cosine": 1, "matched": 1, "js": 0, "weight_change": 0, "cka": 1}.items():
        assert same.get_group(statistic).to_numpy() == pytest.approx(value, abs=1e-5)
    rows = sequences[sequences["against"] == "seed1"]
    assert (rows["matched_head"] == rows["head"]).all()


def test_another_model(run, tables):
    table, sequences = tables
    assert len(sequences) == 4 * 3 * 4 * 2
    states = hidden_states(load_encoder(run / "pretrained", torch.device("cpu")), random_tokens(2, 12))
    before = attention_maps(states[1], read_layers(run / "pretrained")[1], 4)
    own = torch.from_numpy(np.load(run / "activations/hidden_states.npy")[3, :, :12])
    after = attention_maps(own[1], read_layers(run / "model")[1], 4)
    place = {"class": "beta", "against": "pretrained", "layer": 2, "statistic": "cosine"}
    rows = table[(table[list(place)] == list(place.values())).all(axis=1)]
    expected = torch.cosine_similarity(after.flatten(1), before.flatten(1))
    assert rows.dropna(subset="head")["value"].to_numpy() == pytest.approx(expected.numpy(), abs=1e-5)
    assert rows[rows["head"].isna()]["value"].item() == pytest.approx(expected.mean().item(), abs=1e-5)
    layers = table[(table["against"] == "pretrained") & (table["statistic"] == "cka") & (table["class"] == "beta")]
    assert layers["layer"].tolist() == [0, 1, 2, 3]
    last = layers["value"].iloc[-1]
    assert last == pytest.approx(alignment(own[3], states[3]), abs=1e-5)
    assert table["n"].groupby(table["class"]).max().to_dict() == {"alpha": 2, "beta": 1, "all": 3}


def test_attention_of_each_model(run, tables):
    attention = read_tsv(run / OUTPUTS["attention"])
    assert set(attention["model"]) == set(MODELS)
    maps = np.load(run / "activations/attention_mean.npz")["beta"]
    place = {"class": "beta", "model": "finetuned", "layer": 3, "statistic": "to_cls"}
    rows = attention[(attention[list(place)] == list(place.values())).all(axis=1)]
    assert rows["value"].to_numpy() == pytest.approx(maps[2, :, :12, 0].mean(axis=1), rel=1e-4)


def test_findings(run, tables):
    findings = read_tsv(run / OUTPUTS["findings"])
    assert findings["n"].tolist() == [2] * 3  # classes


def test_selection(run):
    table, sequences = run_analysis(
        "attention_shift", run, OUTPUTS, INPUTS, **PARAMS, layers=[2], heads=[3], selected_classes=["beta"]
    )
    assert sequences[["class", "layer", "head"]].drop_duplicates().to_numpy().tolist() == [["beta", 2, 3]]
    assert {"cosine_1", "cosine_4"} <= set(sequences)
    assert set(table["layer"]) == {0, 2}


@absent("attention_shift", layers=3)
def test_what_does_not_exist_is_named(run, key, value, message):
    with pytest.raises(InputError, match=message):
        run_analysis("attention_shift", run, OUTPUTS, INPUTS, **PARAMS, **{key: value})


def test_figure(run, tables):
    figure = draw_attention_shift(tables[0], read_tsv(run / OUTPUTS["attention"]), CLASSES)
    assert figure.get_suptitle().endswith("n = 3 distinct sequences; no sequence of gamma")
    titles = [axis.get_title() for axis in figure.axes]
    assert titles[:2] == ["Cosine, pre-trained", "Cosine, seed 1"]


def test_figure_without_controls(run):
    table, _ = run_analysis("attention_shift", run, OUTPUTS, {"models": OTHERS[:1]}, **PARAMS | {"models": OTHERS[:1]})
    assert set(table["against"]) == {"pretrained"}
    figure = draw_attention_shift(table, read_tsv(run / OUTPUTS["attention"]), CLASSES)
    assert figure.axes[0].get_title() == "Cosine, pre-trained"


def test_three_heads_have_a_correlation_and_two_have_none():
    one, other = pd.Series([1.0, 2.0, 4.0]), pd.Series([2.0, 4.0, 8.0])
    assert head_shift._correlation(one, other) == pytest.approx(1)
    assert math.isnan(head_shift._correlation(one[:2], other[:2]))
