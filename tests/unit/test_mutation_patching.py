"""Mutation patching: a planted network, another implementation by hooks, pairs by hand, tables, and the script."""

import logging
from contextlib import ExitStack

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

from spikegeometry.analyses.tables import mutation_pairs, patching_tables
from spikegeometry.analyses.tables.mutation_pairs import MutationRun, put_back, telling_runs, tokens_of_slots
from spikegeometry.config import load_config
from spikegeometry.dataset.encoding import Encoder, encode_batch
from spikegeometry.errors import InputError
from spikegeometry.figures.mutation_patching import draw_mutation_patching
from spikegeometry.geometry.head_ablation import Network
from spikegeometry.geometry.mutation_patching import (
    CLS,
    HEAD,
    MLP,
    RESIDUAL,
    TO_CLS,
    TO_OTHERS,
    Patching,
    Place,
    cls_attention,
    lost,
    restored,
)
from spikegeometry.geometry.placement import ascii_codes
from spikegeometry.tables import write_parquet, write_tsv
from tiny_run import CLASSES, VERDICTS, random_bert, random_tokens, read_table, run_script, write_encoded

LAYERS, HEADS, WIDTH, TOKENS = 3, 4, 16, 11
SLOTS, MATCHED = [4, 5], [8, 9]
OTHERS = [token for token in range(1, TOKENS) if token not in SLOTS]
AT = {"slot": SLOTS, "matched": MATCHED, "cls": CLS}


def patching_of(model, batch_size=6, layers=range(1, LAYERS + 1), heads=range(1, HEADS + 1)):
    return Patching(Network(model.requires_grad_(False)), list(layers), list(heads), batch_size)


def two_runs():
    ids = torch.from_numpy(np.stack([random_tokens(0, TOKENS)] * 2))
    ids[1, SLOTS] = (ids[1, SLOTS] + 7 - 5) % 40 + 5
    return ids


@pytest.fixture(scope="module")
def model():
    return random_bert(LAYERS, HEADS, WIDTH, 3, seed=2)


def results_of(patching, ids, at=AT, of_stream=None):
    """Logits (2, K) by place."""
    with torch.inference_mode():
        pair = patching.run(ids)
        places, logits = patching.patched(pair, at, of_stream or {})
    assert len(set(places)) == len(places)
    return pair, dict(zip(places, logits, strict=True))


# Patches


def test_the_runs_are_those_of_the_model(model):
    ids = two_runs()
    pair = patching_of(model).run(ids)
    output = model(input_ids=ids, output_hidden_states=True)
    assert (pair.logits - output.logits).abs().max() < 1e-5
    for own, other in zip(pair.inputs, output.hidden_states, strict=True):
        assert (own - other).abs().max() < 1e-5


def test_nothing_changes_where_both_runs_are_the_same(model):
    ids = two_runs()[:1].repeat(2, 1)
    pair, found = results_of(patching_of(model), ids, of_stream={"others": OTHERS})
    assert len(found) == LAYERS * (4 + 3 * (1 + HEADS))
    for place, logits in found.items():
        assert (logits - pair.logits).abs().max() < 1e-5, place
    closed, without = patching_of(model).cut(pair, {"none": []})
    assert len(closed) == LAYERS + 2
    assert (without - pair.logits).abs().max() < 1e-5


def test_the_whole_stream_makes_one_run_the_other(model):
    everything = {"all": range(TOKENS), "slot": SLOTS}
    pair, found = results_of(patching_of(model), two_runs(), {}, everything)
    for layer in range(1, LAYERS + 1):
        assert torch.allclose(found[Place(RESIDUAL, "all", layer)], pair.logits.flip(0), atol=1e-6)
    assert torch.allclose(found[Place(RESIDUAL, "slot", 1)], pair.logits.flip(0), atol=1e-6)
    assert not torch.allclose(found[Place(RESIDUAL, "slot", 2)], pair.logits.flip(0), atol=1e-3)


class ByHooks:
    """The same with the model itself: what a module puts out, or a layer takes, is overwritten at some tokens."""

    def __init__(self, model, ids):
        self.model, self.ids = model, ids
        self.kept = {}
        with ExitStack() as stack:
            for number, layer in enumerate(model.bert.encoder.layer, start=1):
                keep = self._keep(number)
                stack.callback(layer.register_forward_pre_hook(keep(RESIDUAL)).remove)
                stack.callback(layer.attention.self.register_forward_hook(keep(HEAD)).remove)
                stack.callback(layer.output.dense.register_forward_hook(keep(MLP)).remove)
            model(input_ids=ids)

    def _keep(self, number):
        def of_site(site):
            def hook(module, arguments, output=None):
                vectors = arguments[0] if site == RESIDUAL else output[0] if site == HEAD else output
                self.kept[site, number] = vectors.clone()

            return hook

        return of_site

    def logits(self, place, tokens):
        layer = self.model.bert.encoder.layer[place.layer - 1]
        width = WIDTH // HEADS
        columns = slice((place.head - 1) * width, place.head * width) if place.site == HEAD else slice(None)
        other = self.kept[place.site, place.layer].flip(0)[:, tokens, columns]

        def overwrite(module, arguments, output=None):
            vectors = (arguments[0] if place.site == RESIDUAL else output[0] if place.site == HEAD else output).clone()
            for row, token in enumerate(tokens):
                vectors[:, token, columns] = other[:, row]
            return (
                (vectors, *arguments[1:])
                if place.site == RESIDUAL
                else (vectors, None)
                if place.site == HEAD
                else vectors
            )

        module = {RESIDUAL: layer, HEAD: layer.attention.self, MLP: layer.output.dense}[place.site]
        register = module.register_forward_pre_hook if place.site == RESIDUAL else module.register_forward_hook
        handle = register(overwrite)
        found = self.model(input_ids=self.ids).logits
        handle.remove()
        return found

    def without(self, edges, layers):
        """Logits where a query sees a key only where `edges` (n, n) is true, in some layers."""
        mask = torch.zeros(1, 1, TOKENS, TOKENS).masked_fill(~edges, -1e9)

        def hide(module, arguments, options):
            return arguments, options | {"attention_mask": mask}

        with ExitStack() as stack:
            for number in layers:
                layer = self.model.bert.encoder.layer[number - 1].attention.self
                stack.callback(layer.register_forward_pre_hook(hide, with_kwargs=True).remove)
            return self.model(input_ids=self.ids).logits


@pytest.mark.parametrize("batch_size", [1, 6, 100])
def test_patches_are_those_of_hooks(model, batch_size):
    ids = two_runs()
    hooks = ByHooks(model, ids)
    tokens = AT | {"others": OTHERS}
    pair, found = results_of(patching_of(model, batch_size), ids, of_stream={"others": OTHERS})
    moved = 0
    for place, logits in found.items():
        expected = hooks.logits(place, tokens[place.at])
        assert (logits - expected).abs().max() < 1e-5, place
        moved += (logits - pair.logits).abs().max() > 1e-3
    assert moved > len(found) / 2


def test_cuts_are_those_of_masks(model):
    ids = two_runs()
    hooks = ByHooks(model, ids)
    with torch.inference_mode():
        patching = patching_of(model)
        pair = patching.run(ids)
        places, found = patching.cut(pair, {"slot": SLOTS, "matched": MATCHED})
    for place, logits in zip(places, found, strict=True):
        edges = torch.ones(TOKENS, TOKENS, dtype=torch.bool)
        for key in AT[place.at]:
            for query in range(TOKENS):
                if (query == 0) == (place.site == TO_CLS) and (query == 0 or query not in AT[place.at]):
                    edges[query, key] = False
        expected = hooks.without(edges, [place.layer] if place.layer else range(1, LAYERS + 1))
        assert (logits - expected).abs().max() < 1e-5, place
        assert (logits - pair.logits).abs().max() > 1e-4, place
    assert {place[:2] + (place.layer,) for place in places} == {
        (site, at, layer)
        for at in ("slot", "matched")
        for site, layer in [*((TO_CLS, layer) for layer in range(LAYERS + 1)), (TO_OTHERS, 0)]
    }


def test_attention_of_cls_is_that_of_the_model(model):
    ids = two_runs()
    pair = patching_of(model).run(ids)
    maps = model(input_ids=ids[:1], output_attentions=True).attentions
    found = patching_of(model, layers=[1, 3], heads=[2, 4]).attention(pair, SLOTS)
    expected = torch.stack([maps[layer][0, [1, 3], 0][:, SLOTS].sum(dim=1) for layer in (0, 2)])
    assert torch.allclose(found, expected, atol=1e-6)
    whole = cls_attention(model.bert.encoder.layer[0], pair.inputs[0][0])
    assert torch.allclose(whole.sum(dim=1), torch.ones(HEADS))


def test_only_what_is_asked_for(model):
    _, found = results_of(patching_of(model, layers=[2], heads=[3]), two_runs(), {"cls": CLS})
    assert set(found) == {Place(RESIDUAL, "cls", 2), Place(MLP, "cls", 2), Place(HEAD, "cls", 2, 3)}


def test_effects_by_hand():
    found = restored(np.array(5.0), np.array(1.0), np.array([[3.0, 2.0], [5.0, 1.0], [1.0, 5.0]]))
    assert found["denoise"].tolist() == [0.25, 0, 1] and found["noise"].tolist() == [0.5, 0, 1]
    # Both runs lose the same: nothing of the difference is gone.
    assert lost(5.0, 1.0, np.array([[3.0, -1.0], [2.0, 2.0], [4.0, 3.0]])).tolist() == [0, 1, 0.75]


# A planted network

MARK, KEY, SIGN = 0, 1, 2  # coordinates: of [CLS], of the slot that is copied, and of what stands there
PLANTED_LAYER, PLANTED_HEAD, PLANTED_SLOT = 2, 3, 4
CLEAN_TOKEN, CORRUPTED_TOKEN = 10, 11


def planted() -> BertForSequenceClassification:
    """Nothing but the residual stream, and one head by which [CLS] copies the sign at one slot."""
    config = BertConfig(
        vocab_size=50,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        hidden_size=WIDTH,
        intermediate_size=WIDTH,
        num_labels=2,
        max_position_embeddings=TOKENS,
    )
    model = BertForSequenceClassification(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.fill_(1.0 if name.endswith("LayerNorm.weight") else 0.0)
        embeddings = model.bert.embeddings
        embeddings.position_embeddings.weight[0, MARK] = 1
        embeddings.position_embeddings.weight[PLANTED_SLOT, KEY] = 1
        embeddings.word_embeddings.weight[CLEAN_TOKEN, SIGN] = 1
        embeddings.word_embeddings.weight[CORRUPTED_TOKEN, SIGN] = -1
        layer = model.bert.encoder.layer[PLANTED_LAYER - 1].attention
        row = (PLANTED_HEAD - 1) * (WIDTH // HEADS)
        layer.self.query.weight[row, MARK] = layer.self.key.weight[row, KEY] = 5
        layer.self.value.weight[row, SIGN] = layer.output.dense.weight[SIGN, row] = 1
        model.bert.pooler.dense.weight[SIGN, SIGN] = 1
        model.classifier.weight[0, SIGN] = 1
    return model


def planted_effects():
    ids = torch.full((2, TOKENS), 20)
    ids[:, PLANTED_SLOT] = torch.tensor([CLEAN_TOKEN, CORRUPTED_TOKEN])
    weights = np.array([1.0, -1.0])
    at = {"slot": [PLANTED_SLOT], "matched": [7], "cls": CLS}
    patching = patching_of(planted())
    pair, found = results_of(patching, ids, at, {"others": [t for t in range(1, TOKENS) if t != PLANTED_SLOT]})
    clean, corrupted = pair.logits.double().numpy() @ weights
    assert clean - corrupted > 0.1
    effects = {
        (direction, place): value
        for direction, values in restored(
            clean, corrupted, torch.stack(list(found.values())).double().numpy() @ weights
        ).items()
        for place, value in zip(found, values, strict=True)
    }
    places, without = patching.cut(pair, {"slot": [PLANTED_SLOT], "matched": [7]})
    values = lost(clean, corrupted, without.double().numpy() @ weights)
    return effects, dict(zip(places, values, strict=True))


def test_the_planted_head_is_found_and_nothing_else():
    effects, cuts = planted_effects()
    expected = {Place(HEAD, "cls", PLANTED_LAYER, PLANTED_HEAD)}
    expected |= {Place(RESIDUAL, "slot", layer) for layer in range(1, PLANTED_LAYER + 1)}
    expected |= {Place(RESIDUAL, "cls", layer) for layer in range(PLANTED_LAYER + 1, LAYERS + 1)}
    for (direction, place), value in effects.items():
        assert value == pytest.approx(float(place in expected), abs=0.01), (direction, place)
    assert {place for _, place in effects} >= expected
    for place, value in cuts.items():
        closed = place.site == TO_CLS and place.at == "slot" and place.layer in (0, PLANTED_LAYER)
        assert value == pytest.approx(float(closed), abs=0.01), place


# Pairs of sequences

GENE = "ATG" + "GCT" * 9 + "TAA"  # 33 bases, residues M A*9 stop
K, STRIDE = 6, 3  # k-mers of two codons: ten of them


def mutations_of(*texts):
    rows = []
    for text in texts:
        if text.startswith("del"):
            _, first, length = text.split(":")
            rows.append((text, int(first), int(first) + int(length) - 1, False))
        else:
            rows.append((text, int(text[1:-1]), int(text[1:-1]), False))
    return pd.DataFrame(rows, columns=["mutation", "first", "last", "inserted"])


NOTHING = mutations_of()


def test_runs_share_k_mers():
    # Base 4 is of k-mers 0 and 1, base 10 of 2 and 3, base 13 of 3 and 4, the deletion of 7 and 8; it reads as that of
    # the last of the alanines, which are all alike.
    runs = telling_runs(GENE, mutations_of("G4A", "G10A", "G13A", "del:25:3"), NOTHING, K, STRIDE)
    assert [(run.name, run.slots.tolist(), run.bases.tolist()) for run in runs] == [
        ("A2T", [0, 1], [3]),
        ("A4T A5T", [2, 3, 4], [9, 12]),
        ("del 10", [7, 8], [24, 25, 26]),
    ]
    assert bytes(runs[1].own) == b"AA" and bytes(runs[1].other) == b"GG" and bytes(runs[2].own) == b"---"


def test_runs_of_two_classes_leave_out_what_they_share():
    own, other = mutations_of("G4A", "G13A", "G25A"), mutations_of("G4A", "G13T", "G19A")
    runs = telling_runs(GENE, own, other, K, STRIDE)
    assert [run.name for run in runs] == ["A5T for A5S", "for A7T", "A9T"]
    assert [(bytes(run.own), bytes(run.other)) for run in runs] == [(b"A", b"T"), (b"G", b"A"), (b"A", b"G")]
    assert telling_runs(GENE, own, own, K, STRIDE) == []


def test_a_base_that_no_k_mer_covers_is_left_out():
    # 33 bases in k-mers of 6, 5 apart: the last one ends at base 31.
    runs = telling_runs(GENE, mutations_of("T32A", "T31A"), NOTHING, 6, 5)
    assert [run.bases.tolist() for run in runs] == [[30]]


def test_put_back():
    (run,) = telling_runs(GENE, mutations_of("G4A"), NOTHING, K, STRIDE)
    clean = GENE[:3] + "A" + GENE[4:]
    places = np.arange(len(GENE))
    assert put_back(ascii_codes(clean), places, run, native=False) == (GENE, "")
    for other in (GENE, GENE[:3] + "N" + GENE[4:]):
        assert put_back(ascii_codes(other), places, run, native=False) == ("", "absent")


def test_native_sequences():
    """Three bases are lost before the mutation, which stands three symbols earlier; a deletion would shift the rest."""
    substitution, deletion = telling_runs(GENE, mutations_of("G19A", "del:4:3"), NOTHING, K, STRIDE)[::-1]
    projected = GENE[:3] + "---" + GENE[6:18] + "A" + GENE[19:]
    forms = pd.Series(
        {"native": projected.replace("-", ""), "projected": projected, "indels": [("deletion", 4, 6, "")]}
    )
    symbols, places = mutation_pairs.symbols_and_places(forms, "native")
    assert put_back(symbols, places, deletion, native=True) == ("", "shifted")
    text, reason = put_back(symbols, places, substitution, native=True)
    assert (text, reason) == ((GENE[:3] + GENE[6:]), "")
    # The k-mer of bases 19 to 24 is slot 6 of the gene; its first base is symbol 15 here, that of k-mer 6 (from 1).
    assert tokens_of_slots(np.array([6]), places, STRIDE, 11) == [6]
    assert tokens_of_slots(np.array([6, 7]), np.arange(len(GENE)), STRIDE, 12) == [7, 8]
    forms["indels"] = []
    assert put_back(*mutation_pairs.symbols_and_places(forms, "native"), substitution, native=True) == ("", "absent")


def test_matched_windows_are_alike_and_hold_no_defining_slot():
    positions = pd.DataFrame(
        {
            "domain": ["a"] * 9 + ["b"],
            "entropy": [0, 0, 2, 2, 0, 2, 2, 1.9, 1.9, 2],
            "surprisal": 0.0,
            "defining": False,
            "elsewhere": False,
        }
    )
    run = MutationRun("x", np.array([6]), np.array([65]), np.array([71]), np.array([2, 3]))
    defining = np.zeros(10, dtype=bool)
    defining[[2, 3, 5]] = True
    # The nearest window without slot 5 is 7 and 8, then 6 and 7.
    assert mutation_pairs.matched_starts(positions, run, defining, 2).tolist() == [6, 7]
    assert len(mutation_pairs.matched_starts(positions[:0], run, defining, 2)) == 0
    defining[:] = True
    assert len(mutation_pairs.matched_starts(positions, run, defining, 2)) == 0


def test_pairs_of_classes(caplog):
    assert mutation_pairs.contrasts([["a", "b"]], ["a", "b", "c"], 9, "key") == [("a", "b")]
    with caplog.at_level(logging.WARNING):
        assert mutation_pairs.contrasts([], ["a", "b", "c"], 2, "key") == [("a", "reference"), ("b", "reference")]
    assert "key.most_pairs" in caplog.text
    with pytest.raises(InputError, match=r"Config key key\.pairs: d does not exist"):
        mutation_pairs.contrasts([["a", "d"]], ["a", "b", "c"], 9, "key")


def test_named_mutations():
    runs = telling_runs(GENE, mutations_of("G10A", "G13A", "del:25:3"), NOTHING, K, STRIDE)
    mutation_pairs.check_named(["A5T", "del 10"], runs, "key")
    with pytest.raises(InputError, match=r"Config key key: no pair differs by A5\.\nThere are: A4T A5T; del 10\."):
        mutation_pairs.check_named(["A5"], runs, "key")


@pytest.mark.parametrize("pair", [["alpha", "nu"], ["nu", "reference"], ["reference", "alpha"], ["alpha", "alpha"]])
def test_pairs_in_the_configuration(pair):
    given = {"run": "x", "source": {"type": "simulate", "simulate": {}}, "classes": ["alpha", "beta"]}
    with pytest.raises(InputError, match="Config key analyses.mutation_patching.pairs: .* is no pair"):
        load_config(given | {"analyses": {"mutation_patching": {"pairs": [pair]}}})
    accepted = [["alpha", "beta"], ["beta", "reference"]]
    found = load_config(given | {"analyses": {"mutation_patching": {"pairs": accepted}}})
    assert found["analyses"]["mutation_patching"]["pairs"] == accepted


# Tables


def test_scores():
    assert patching_tables.score_weights("b", "c", ["a", "b", "c"]).tolist() == [0, 1, -1]
    assert patching_tables.score_weights("b", "reference", ["a", "b", "c"]).tolist() == [-0.5, 1, -0.5]


def case(mutation, change=np.nan, reason="", number=0):
    about = {"class": "a", "against": "reference", "mutation": mutation, "patched": False}
    about |= dict.fromkeys(["first_residue", "last_residue", "first_slot", "last_slot"], 1)
    return about | {"sequence": str(number), "input": number, "change": change, "reason": reason}


def test_mutations_that_are_patched():
    cases = [case("A", 1.0), case("A", -3.0), case("B", -1.5), case("C", 9.0, "unchanged"), case("D", 0.1)]
    assert patching_tables.chosen_mutations(cases, [], 2) == ["B", "A"]
    assert patching_tables.chosen_mutations(cases, ["D", "C"], 2) == ["D", "B"]


def test_what_is_left_out_is_counted():
    cases = [case("A", 1.0, number=1), case("A", 3.0, number=2), case("A", np.nan, "absent", 3)]
    cases += [case("A", 0.0, "unchanged", 4), case("B", np.nan, "absent", 1), case("B", np.nan, "same k-mers", 2)]
    table = patching_tables.mutation_table(pd.DataFrame(cases), 50, 0.95, 1).set_index("mutation")
    assert table.loc["A", "change"] == pytest.approx(4 / 3) and table.loc["A", "n"] == 3
    assert table.loc["A", "left_out"] == "1 absent; 1 unchanged"
    assert np.isnan(table.loc["B", "change"]) and table.loc["B", "n"] == 0


def rows_of(mutation, values, name="a", number=0, **place):
    labels = {"class": name, "against": "reference", "mutation": mutation, "pair": number, "input": number}
    known = {"site": "head", "at": "cls", "layer": 1, "head": 1, "direction": "denoise", "statistic": "effect"}
    return [labels | known | place | {"layer": layer, "head": head, "value": v} for (layer, head), v in values.items()]


def test_effects_are_averaged_over_pairs_and_told_by_class():
    effects = pd.DataFrame(
        [
            *rows_of("A", {(1, 1): 1.0, (0, 0): 2.0}, number=0),
            *rows_of("A", {(1, 1): 3.0, (0, 0): 2.0}, number=1),
            *rows_of("B", {(1, 1): 8.0}, number=2),
            *rows_of("C", {(1, 1): 4.0}, name="b", number=3),
        ]
    )
    table = patching_tables.effect_table(effects, 200, 0.95, 1)
    found = table.set_index(["class", "mutation", "layer"])
    assert found.loc[("a", "A", 1.0), ["value", "low", "high", "n"]].tolist() == [2, 1, 3, 2]
    assert found.loc[("a", "all", 1.0), ["value", "n"]].tolist() == [4, 3]
    assert found.loc[("all", "all", 1.0), ["value", "n"]].tolist() == [4, 4]
    whole = table[table["layer"].isna() & (table["mutation"] == "A")]
    assert whole["head"].isna().all() and whole["value"].tolist() == [2]
    # What is of one sequence has no interval.
    assert table.loc[table["mutation"] == "B", ["low", "high"]].isna().all(axis=None)
    assert list(patching_tables.effect_table(effects[:0], 9, 0.95, 1).columns) == list(table.columns)


def small_table(effect=1.0, name="a", mutation="A"):
    """Of one mutation: it is at its slots up to layer 2 and at [CLS] from layer 3 on, by head 2 of layer 2."""
    heads = {(1, 1): 0.0, (1, 2): 0.1, (2, 1): 0.2, (2, 2): effect}
    parts = [
        (heads, {}),
        ({place: value / 2 for place, value in heads.items()}, {"direction": "noise"}),
        (
            {(1, 1): 0.1, (1, 2): 0.2, (2, 1): 0.3, (2, 2): 0.4},
            {"at": "slot", "direction": "", "statistic": "attention"},
        ),
        ({(1, 0): 1.0, (2, 0): 0.9, (3, 0): 0.2}, {"site": "residual", "at": "slot"}),
        ({(1, 0): 0.0, (2, 0): 0.1, (3, 0): 0.9}, {"site": "residual", "at": "cls"}),
        ({(0, 0): 0.8, (2, 0): 0.7}, {"site": "to_cls", "at": "slot", "direction": "cut"}),
        ({(0, 0): 0.05}, {"site": "to_cls", "at": "matched", "direction": "cut"}),
        ({(0, 0): 0.3}, {"site": "to_others", "at": "slot", "direction": "cut"}),
    ]
    rows = [row for values, place in parts for row in rows_of(mutation, values, name=name, **place)]
    return patching_tables.effect_table(pd.DataFrame(rows), 9, 0.95, 1)


def test_where_a_mutation_is_read_and_written():
    (row,) = patching_tables.readout_table(small_table()).to_dict("records")
    expected = {"slot_until": 2, "cls_from": 3, "layer": 2, "head": 2, "effect": 1.0, "noise": 0.5, "attention": 0.4}
    expected |= {"by_cls": 0.8, "by_others": 0.3, "by_cls_matched": 0.05}
    assert {name: row[name] for name in expected} == expected


def test_agreement_with_attention_and_attributions():
    mutations = pd.DataFrame(
        {
            "class": "a",
            "against": "reference",
            "mutation": list("ABC"),
            "first_slot": [1, 3, 5],
            "last_slot": [2, 3, 5],
            "change": [3.0, 1.0, 2.0],
        }
    )
    # Over the slots together 5, 1 and 4: as the changes. Rollout goes the other way.
    values = {"attention": [2, 3, 1, 0, 4], "rollout": [0, 1, 9, 0, 5]}
    tokens = pd.DataFrame(
        [
            {"class": "a", "method": method, "token": token, "statistic": "attribution", "value": float(value)}
            for method, several in values.items()
            for token, value in enumerate(several, start=1)
        ]
    )
    found = patching_tables.agreement_table(small_table(), mutations, tokens).set_index("method")
    assert found["value"].to_dict() == pytest.approx({"heads": 1.0, "attention": 1.0, "rollout": -1.0})
    assert found["n"].to_dict() == {"heads": 4, "attention": 3, "rollout": 3}
    assert patching_tables.agreement_table(small_table(), mutations, None)["method"].tolist() == ["heads"]


def test_findings_are_over_pairs_of_classes():
    parts = [small_table(effect, name) for effect, name in ((0.9, "a"), (0.9, "b"), (0.9, "c"))]
    table = pd.concat(parts)
    agreement = pd.concat(
        patching_tables.agreement_table(part, pd.DataFrame(columns=["change", "against"]), None) for part in parts
    )
    found = patching_tables.patching_findings(table, agreement, "not compared: why", 0.95)
    straight, mostly, one_head, not_explanation, better, *methods = found
    assert (straight.value, straight.n, straight.verdict) == (pytest.approx(0.75), 3, "supported")
    assert (mostly.value, one_head.value) == (pytest.approx(0.8), pytest.approx(0.45))
    assert not_explanation.value == 1 and not_explanation.verdict == "contradicted" and better.verdict == "supported"
    assert {one.verdict for one in methods} == {"not applicable"} and {one.detail for one in methods} == {
        "not compared: why"
    }
    assert not one_head.detail


# The script

LENGTH = 129  # bases of 14 k-mers
SITES = {"alpha": 40, "beta": 58, "gamma": 76}


def substituted(text, *bases):
    for base in bases:
        text = text[:base] + "CGTA"["ACGT".index(text[base])] + text[base + 1 :]
    return text


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three test sequences of alpha, two of them equal, two of beta, one of gamma, for which nothing is defined."""
    folder = tmp_path_factory.mktemp("run")
    gene = "".join(np.random.default_rng(0).choice(list("ACGT"), LENGTH))
    names = {"alpha": [(), (100,), ()], "beta": [(), (20,)], "gamma": [()]}
    spikes, rows = [], []
    for name, several in names.items():
        for number, extra in enumerate(several):
            own = substituted(gene, SITES[name], *extra)
            spikes += [(f"{name}/{number}", name, own, "test"), (f"{name}/train/{number}", name, own, "train")]
            rows.append((f"{name}/{number}", name, own))
    texts = [gene, *(text for _, _, text in rows)]
    kmers = sorted({text[start : start + 12] for text in texts for start in range(0, LENGTH - 11, 9)})
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    (folder / "vocabulary.txt").write_text("\n".join([*special, *kmers]) + "\n", encoding="ascii")
    table = pd.DataFrame(spikes, columns=["accession", "class", "native", "split"])
    table = table.assign(projected=table["native"], insertions="", deletions="")
    write_parquet(table.drop(columns="split"), folder / "spikes.parquet")
    write_parquet(table[["accession", "class", "split"]], folder / "splits.parquet")
    write_test(folder / "test.arrow", Encoder([*special, *kmers], 9), rows)
    model = random_bert(2, 4, 16, len(CLASSES), seed=1)
    model.config.id2label, model.config.label2id = dict(enumerate(CLASSES)), {n: i for i, n in enumerate(CLASSES)}
    model.save_pretrained(folder / "model")
    (folder / "genome.fasta").write_text(f">genome\n{gene}\n", encoding="utf-8")
    write_tsv(pd.DataFrame({"name": ["a"], "start": [1], "end": [43]}), folder / "domains.tsv")
    texts = [f"{gene[SITES[name]]}{SITES[name] + 1}{substituted(gene, SITES[name])[SITES[name]]}" for name in CLASSES]
    founders = {"founder": CLASSES, "class": CLASSES, "mutations": [*texts[:2], ""]}
    write_tsv(pd.DataFrame(founders), folder / "founders.tsv")
    tokens = pd.DataFrame(
        {"class": "alpha", "method": "rollout", "token": range(1, 15), "statistic": "attribution", "value": 1.0}
    )
    write_parquet(tokens, folder / "tokens.parquet")
    return folder


def write_test(path, encoder, rows):
    columns = dict(zip(("accession", "class", "sequence"), map(list, zip(*rows, strict=True)), strict=True))
    batch = encode_batch(pa.RecordBatch.from_pydict(columns), "sequence", encoder, CLASSES)
    write_encoded(path, pa.Table.from_batches([batch]))


PARAMS = {
    "pairs": [],
    "most_pairs": 9,
    "named": [],
    "mutations": 2,
    "sequences_per_class": 5,
    "matches": 3,
    "least_change": 1e-4,
    "share": 0.5,
    "coordinates": "projected",
    "start": 1,
    "end": LENGTH,
    "k": 12,
    "stride": 9,
    "analysed_per_class": 9,
    "batch_size": 4,
    "bootstrap": 20,
    "device": "cpu",
    "threads": 1,
    "seed": 3,
}


def run(folder, attributions="tokens.parquet", **params):
    inputs = {"test": "test.arrow", "vocabulary": "vocabulary.txt", "reference": "genome.fasta"}
    inputs |= {"spikes": "spikes.parquet", "splits": "splits.parquet", "domains": "domains.tsv"}
    inputs |= {"definitions": "founders.tsv", "attributions": attributions}
    outputs = {name: f"{name}.tsv" for name in ("findings", "mutations", "readout", "agreement")}
    output = run_script(
        "mutation_patching", folder, outputs | {"effects": "effects.parquet"}, inputs, **PARAMS | params
    )
    return {name: read_table(path) for name, path in vars(output).items() if name != "sequences"}


@pytest.fixture(scope="module")
def made(folder):
    return run(folder)


def scores(folder, texts, weights):
    """Of sequences, each read alone by the model."""
    tokens = (folder / "vocabulary.txt").read_text(encoding="ascii").split()
    model = BertForSequenceClassification.from_pretrained(folder / "model").eval()
    found = []
    for text in texts:
        kmers = [text[start : start + 12] for start in range(0, LENGTH - 11, 9)]
        ids = [2, *(tokens.index(kmer) if kmer in tokens else 1 for kmer in kmers), 3]
        with torch.no_grad():
            found.append(model(input_ids=torch.tensor([ids])).logits[0].double().numpy() @ weights)
    return found


def test_changes_are_those_of_sequences_without_the_mutation(folder, made):
    mutations = made["mutations"].set_index("class")
    assert mutations["n"].to_dict() == {"alpha": 2, "beta": 2}, "a copy counts once"
    gene = (folder / "genome.fasta").read_text(encoding="utf-8").split()[1]
    expected = []
    for extra in ((), (100,)):
        clean, corrupted = scores(
            folder, [substituted(gene, SITES["alpha"], *extra), substituted(gene, *extra)], [1, -0.5, -0.5]
        )
        expected.append(clean - corrupted)
    assert mutations.loc["alpha", "change"] == pytest.approx(np.mean(expected), rel=1e-4)
    # Base 41 is of the fifth k-mer, of bases 37 to 48, alone.
    assert mutations.loc["alpha", ["first_slot", "last_slot"]].tolist() == [5, 5]


def test_tables(made):
    table, effects = made["table"], made["effects"]
    assert set(table["class"]) == {"alpha", "beta", "all"} and table.loc[table["class"] == "alpha", "n"].eq(2).all()
    place = {"site": "residual", "at": "slot", "layer": 1, "direction": "denoise", "class": "alpha"}
    whole = table[np.logical_and.reduce([table[name] == value for name, value in place.items()])]
    assert whole["value"].to_numpy() == pytest.approx(1, abs=1e-3)
    assert set(effects["at"]) == {"slot", "matched", "cls", "others"} and effects["pair"].nunique() == 4
    assert len(made["readout"]) == 2 and set(made["findings"]["verdict"]) <= VERDICTS
    # One mutation of a class has no rank, and rollout, of alpha, is all that is known here.
    methods = made["agreement"].set_index("method")
    assert np.isnan(methods.loc["rollout", "value"]) and methods.loc["heads", "n"].tolist() == [8, 8]


def test_native_coordinates_are_the_same_without_indels(folder, made):
    native = run(folder, coordinates="native")
    assert native["table"]["value"].to_numpy() == pytest.approx(made["table"]["value"].to_numpy(), rel=1e-6)
    assert "native" in native["findings"]["detail"].iloc[-1]


def test_another_class_and_one_sequence(folder):
    found = run(folder, pairs=[["alpha", "beta"]], sequences_per_class=1, layers=[2], heads=[3])
    assert found["mutations"]["mutation"].nunique() == 2
    gene = (folder / "genome.fasta").read_text(encoding="utf-8").split()[1]
    both, single = found["mutations"]["change"], found["table"]
    assert single["low"].isna().all() and set(single["head"].dropna()) == {3} and set(single["layer"].dropna()) == {2}
    assert len(both) == 2 and (single["n"] == 1).all()
    clean = [substituted(gene, SITES["alpha"], *extra) for extra in ((), (100,))]
    other = [substituted(text, SITES["beta"]) for text in clean]
    expected = np.subtract(scores(folder, clean, [1, -1, 0]), scores(folder, other, [1, -1, 0]))
    assert np.abs(both.to_numpy()[1] - expected).min() < 1e-4


def test_without_attributions(folder):
    findings = run(folder, attributions=[])["findings"]
    rows = findings[findings["detail"] != ""]
    assert (
        set(rows["verdict"]) == {"not applicable"} and rows["detail"].str.contains("attributions is not active").all()
    )


def test_a_network_that_learnt_nothing(folder):
    """No score changes: nothing is divided by, the tables are empty, and the figure says so."""
    found = run(folder, least_change=1e6)
    assert found["table"].empty and found["readout"].empty
    assert found["mutations"]["left_out"].tolist() == ["2 unchanged"] * 2
    assert set(found["findings"]["verdict"]) == {"not applicable"}
    figure = draw_mutation_patching(found["table"], found["readout"], found["agreement"], None)
    assert "no mutation changes the logits" in figure.get_suptitle()


def test_a_class_that_nothing_defines(folder):
    found = run(folder, pairs=[["gamma", "reference"]])
    assert found["table"].empty and found["mutations"].empty


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"layers": [3]}, r"analyses\.mutation_patching\.layers: 3 does not exist"),
        ({"heads": [5]}, r"analyses\.mutation_patching\.heads: 5 does not exist"),
        ({"named": ["N501Y"]}, r"analyses\.mutation_patching\.named: no pair differs by N501Y"),
    ],
)
def test_what_is_not_there(folder, changed, message):
    with pytest.raises(InputError, match=message):
        run(folder, **changed)


def test_figure(made):
    figure = draw_mutation_patching(made["table"], made["readout"], made["agreement"], made["table"])
    assert "n = 4 distinct sequences" in figure.get_suptitle()
    titles = [axis.get_title() for axis in figure.axes]
    assert sum(title.startswith("alpha\n") for title in titles) == 1
