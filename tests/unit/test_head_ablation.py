"""Head ablation: what must not change a bit, zeroed weights, gates against numbers, known tests, and the script."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from scipy.special import softmax

from spikegeometry.analyses.tables.ablation import (
    PLACES,
    Intervals,
    Outcomes,
    change_table,
    dispensable_heads,
    outcomes,
    paired_interval,
    sample_split,
    sign_flip_test,
    single_places,
)
from spikegeometry.analyses.tables.pruning import (
    _correlation,
    curve_table,
    importance_table,
    layer_normalised,
    pruning_curves,
    removal_orders,
)
from spikegeometry.dataset.encoding import SCHEMA, open_split
from spikegeometry.errors import InputError
from spikegeometry.figures.head_ablation import draw_head_ablation
from spikegeometry.geometry.head_ablation import (
    Network,
    fills,
    gated,
    mean_outputs,
    measure_gradients,
    measure_logits,
    switched_to_zero,
)
from spikegeometry.model.batches import input_batches
from spikegeometry.model.classifier import load_classifier
from spikegeometry.model.data import pad, shard_rows
from spikegeometry.model.prediction import logits as predicted_logits
from tiny_run import VERDICTS, random_bert, random_tokens, read_table, run_script, write_encoded

LAYERS, HEADS, WIDTH = 3, 4, 32
CLASSES = ["alpha", "beta", "delta"]
LENGTHS = (12, 9, 15, 11)
CPU = torch.device("cpu")
HOW = Intervals(samples=200, confidence=0.95, permutations=499, seed=1)


@pytest.fixture
def model():
    return random_bert(LAYERS, HEADS, WIDTH, len(CLASSES)).requires_grad_(False)


@pytest.fixture
def inputs():
    """A batch with padding."""
    return pad([random_tokens(seed, length) for seed, length in enumerate(LENGTHS)])


def without(model, inputs, off, mode="zero", means=None):
    network = Network(model)
    return network.logits_without(off, network.record(inputs)[1], fills(inputs["attention_mask"], means)[mode])


def whole_layer(layer):
    return [(layer, head) for head in range(1, HEADS + 1)]


# The network


@pytest.mark.parametrize("first", range(1, LAYERS + 1))
def test_restart_at_any_layer_is_the_model_bit_for_bit(model, inputs, first):
    network = Network(model)
    logits, calls = network.record(inputs)
    assert torch.equal(logits, model(**inputs).logits)
    assert torch.equal(network.restart(calls, first), logits)


def test_open_gates_change_no_bit(model, inputs):
    network = Network(model)
    logits, calls = network.record(inputs)
    assert torch.equal(without(model, inputs, []), logits)
    gates = {layer: torch.ones(HEADS) for layer in range(1, LAYERS + 1)}
    for fill in fills(inputs["attention_mask"], torch.randn(LAYERS, WIDTH)).values():
        with gated(network.layers, gates, fill):
            assert torch.equal(network.restart(calls, 1), logits)


@pytest.mark.parametrize("off", [[(1, 2)], [(3, 4)], [(1, 1), (2, 3), (2, 4)], whole_layer(2)])
def test_zero_is_the_same_as_zeroed_output_columns(model, inputs, off):
    found = without(model, inputs, off)
    before = model(**inputs).logits
    width = WIDTH // HEADS
    for layer, head in off:
        model.bert.encoder.layer[layer - 1].attention.output.dense.weight[:, (head - 1) * width : head * width] = 0
    assert found == pytest.approx(model(**inputs).logits, abs=1e-6)
    assert (found - before).abs().max() > 1e-3


def test_hooks_go_with_the_context_even_by_an_error(model, inputs):
    before = model(**inputs).logits
    with pytest.raises(RuntimeError, match="stop"), gated(Network(model).layers, {2: torch.zeros(HEADS)}, None):
        raise RuntimeError("stop")
    without(model, inputs, [(1, 1)])
    Network(model).record(inputs)
    assert torch.equal(model(**inputs).logits, before)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


@pytest.mark.parametrize("mode", ["zero", "uniform", "mean"])
def test_head_without_output_weights_has_no_effect_and_no_importance(model, inputs, mode):
    model.bert.encoder.layer[1].attention.output.dense.weight[:, : WIDTH // HEADS] = 0
    means = torch.randn(LAYERS, WIDTH)
    assert torch.equal(without(model, inputs, [(2, 1)], mode, means), model(**inputs).logits)
    network = Network(model)
    gradients = network.gate_gradients(network.record(inputs)[1], torch.tensor([0, 1, 2, 0]))
    assert (gradients[:, 1, 0] == 0).all()
    assert (gradients[:, 1, 1:] != 0).all()


def test_uniform_changes_nothing_where_attention_is_even(model, inputs):
    attention = model.bert.encoder.layer[1].attention.self
    attention.query.weight[:] = 0
    attention.query.bias[:] = 0
    before = model(**inputs).logits
    assert without(model, inputs, whole_layer(2), "uniform") == pytest.approx(before, abs=1e-5)
    assert (without(model, inputs, whole_layer(1), "uniform") - before).abs().max() > 1e-3


def test_uniform_is_the_mean_of_the_values_of_real_tokens(model, inputs):
    network = Network(model)
    calls = network.record(inputs)[1]
    hidden = calls[0][0][0]
    fill = fills(inputs["attention_mask"], None)["uniform"](1, network.layers[0].attention.self, hidden)
    for number, length in enumerate(LENGTHS):
        values = network.layers[0].attention.self.value(hidden[number, :length])
        assert fill[number, 0] == pytest.approx(values.mean(dim=0), abs=1e-5)


def test_mean_outputs_are_over_real_tokens(model, inputs):
    network = Network(model)
    halves = [{name: tensor[rows] for name, tensor in inputs.items()} for rows in (slice(0, 2), slice(2, 4))]
    found = mean_outputs(network, [(None, half) for half in halves])
    outputs = []
    for number, length in enumerate(LENGTHS):
        alone = {name: tensor[number : number + 1, :length] for name, tensor in inputs.items()}
        handles = [
            layer.attention.self.register_forward_hook(lambda *call: outputs.append(call[-1][0][0]))
            for layer in network.layers
        ]
        model(**alone)
        [handle.remove() for handle in handles]
    for layer in range(LAYERS):
        assert found[layer] == pytest.approx(torch.cat(outputs[layer::LAYERS]).mean(dim=0), abs=1e-5)


def test_gate_gradients_against_small_steps(model, inputs):
    model, labels, step = model.double(), torch.tensor([0, 1, 2, 0]), 1e-5
    network = Network(model)
    calls = network.record(inputs)[1]
    gates = torch.ones(HEADS, dtype=torch.float64)
    found = network.gate_gradients(calls, labels)
    for layer, head in ((1, 1), (2, 3), (3, 4)):
        losses = []
        for sign in (1, -1):
            gates[head - 1] = 1 + sign * step
            with gated(network.layers, {layer: gates}, switched_to_zero):
                logits = network.restart(calls, 1)
            losses.append(torch.nn.functional.cross_entropy(logits, labels, reduction="none"))
            gates[head - 1] = 1
        slope = (losses[0] - losses[1]) / (2 * step)
        assert found[:, layer - 1, head - 1].double() == pytest.approx(slope, rel=1e-4, abs=1e-7)


# Batches and measurements


def write_split(path, members):
    """A split of (class, ids)."""
    rows = [
        {
            "accession": f"{name}/{row}",
            "class": name,
            "label": CLASSES.index(name),
            "haplotype": str(row),
            "unknown": 0,
            "input_ids": ids.tolist(),
        }
        for row, (name, ids) in enumerate(members)
    ]
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    write_encoded(path, table)


def some_members(count, seed=0):
    return [(CLASSES[i % 3], random_tokens(100 * seed + i, 9 + i % 4)) for i in range(count)]


def test_sample_takes_copies_only_of_classes_that_it_takes_whole(tmp_path):
    alpha, beta = random_tokens(1, 9), [random_tokens(seed, 9) for seed in (2, 3, 4, 5)]
    write_split(tmp_path / "test.arrow", [("alpha", alpha)] * 3 + [("beta", ids) for ids in (*beta, beta[0])])
    table = open_split(tmp_path / "test.arrow")
    whole = sample_split(table, CLASSES, 5, 1)
    assert whole.index.tolist() == list(range(8))
    assert whole["counts"].tolist() == [True, False, False, True, True, True, True, False]
    some = sample_split(table, CLASSES, 3, 1)
    assert some["counts"].tolist() == [True, False, False, True, True, True]
    assert set(sample_split(table, ["beta"], 5, 1)["class"]) == {"beta"}


@pytest.mark.parametrize("shards", [1, 3])
def test_baseline_is_the_prediction_bit_for_bit(tmp_path, model, shards):
    write_split(tmp_path / "test.arrow", some_members(11))
    table = open_split(tmp_path / "test.arrow")
    network, rows = Network(model), np.arange(11)
    batches = input_batches(table, rows, shards, 4, CPU)
    logits = measure_logits(network, batches, [("zero", []), ("uniform", [(2, 1)])], None)
    parts = [shard_rows(11, shard, shards) for shard in range(shards)]
    run = [predicted_logits(model, table.slice(part.start, part.stop - part.start), 4) for part in parts]
    assert np.array_equal(logits[0], np.concatenate(run))
    assert np.array_equal(logits[0], logits[1])
    assert not np.array_equal(logits[0], logits[2])


def test_batches_of_some_rows(tmp_path, model):
    write_split(tmp_path / "test.arrow", some_members(11))
    table, chosen = open_split(tmp_path / "test.arrow"), np.array([1, 4, 5, 9])
    places = [rows for rows, _ in input_batches(table, chosen, 2, 2, CPU)]
    assert sorted(np.concatenate(places)) == [0, 1, 2, 3]
    assert all(len(rows) <= 2 for rows in places)
    network = Network(model)
    all_rows = measure_logits(network, input_batches(table, np.arange(11), 1, 4, CPU), [], None)
    some = measure_logits(network, input_batches(table, chosen, 2, 2, CPU), [], None)
    assert some[0] == pytest.approx(all_rows[0, chosen], abs=1e-5)
    labels = np.array([0, 1, 2, 0])
    gradients = measure_gradients(network, input_batches(table, chosen, 2, 2, CPU), labels)
    assert gradients.shape == (4, LAYERS, HEADS)
    again = measure_gradients(network, input_batches(table, chosen, 1, 4, CPU), labels)
    assert gradients == pytest.approx(again, abs=1e-5)


# Tests and intervals


def test_paired_interval():
    # (2.5 - 10.5) / 102, and 1.96 sqrt(13 - 64 / 102) / 102.
    assert paired_interval(10, 2, 100, 0.95) == pytest.approx((-0.1460, -0.0108), abs=2e-4)
    low, high = paired_interval(0, 0, 100, 0.95)
    assert low == -high < 0
    assert paired_interval(50, 0, 50, 0.95)[0] == -1


def test_sign_flips_against_all_signs():
    changes = np.array([[-1.0, -2, -3, 0.5, -4], [1, -1, 2, -2, 0], [0, 0, 0, 0, 0]])
    signs = np.stack(np.meshgrid(*[[-1, 1]] * 5), axis=-1).reshape(-1, 5)
    exact = (np.abs(signs @ changes.T) >= np.abs(changes.sum(axis=1)) - 1e-9).mean(axis=0)
    assert sign_flip_test(changes, 20_000, 1) == pytest.approx(exact, abs=0.01)
    assert sign_flip_test(changes, 99, 1)[2] == 1


def test_smallest_p_is_that_of_the_true_signs():
    # Forty changes of one sign: no random signs are as good, so only the true ones count, of four drawn and themselves.
    assert sign_flip_test(-np.ones((1, 40)), 4, 1) == 1 / 5


def made_outcomes(correct, log_probability):
    labels = np.arange(len(correct[0])) % 3
    return Outcomes(labels, np.where(correct, labels, (labels + 1) % 3), np.array(log_probability), CLASSES)


def test_change_table_done_by_hand():
    before = made_outcomes([[True] * 11 + [False]], [[-1.0] * 12])
    one_lost, one_won = [False] + [True] * 10 + [False], [True] * 12
    after = made_outcomes([one_lost, one_won], [[-3.0] * 12, [-1.0] * 12])
    table = change_table(single_places(["zero"], [1], [1, 2]).iloc[:2], before, after, HOW)
    overall = table[table["class"] == "all"]
    none = overall[overall["variant"] == "none"].set_index("statistic")
    assert none.loc["accuracy", "value"] == pytest.approx(11 / 12)
    wide = overall[overall["variant"] == "zero"].pivot(index="statistic", columns="head", values="value")
    assert wide.loc["d_accuracy"].tolist() == pytest.approx([-1 / 12, 1 / 12])
    assert wide.loc["accuracy"].tolist() == pytest.approx([10 / 12, 1])
    assert wide.loc["macro_f1", 2] == 1
    assert wide.loc["d_log_probability"].tolist() == [-2, 0]
    assert wide.loc[["lost", "won"]].to_numpy().tolist() == [[1, 0], [0, 1]]
    assert wide.loc["p_log_probability"].tolist() == [pytest.approx(1 / 500, abs=0.005), 1]
    assert wide.loc["q_log_probability", 1] == pytest.approx(2 * wide.loc["p_log_probability", 1])
    of_alpha = table[(table["class"] == "alpha") & (table["statistic"] == "d_accuracy")].set_index("head")
    assert (of_alpha.loc[1, "value"], of_alpha.loc[1, "n"]) == (-1 / 4, 4)


def test_correction_is_over_the_places_of_one_variant_and_site():
    places = single_places(["zero", "mean"], [1, 2], [1])
    assert places["site"].tolist() == ["head"] * 4 + ["layer"] * 4
    lost = np.array([7, 9, 6, 8, 12, 10, 7, 11])
    after = made_outcomes([[False] * count + [True] * (24 - count) for count in lost], -np.ones((8, 24)))
    before = made_outcomes([[True] * 24], [[-1.0] * 24])
    table = change_table(places, before, after, HOW)
    q = table.loc[table["statistic"] == "q_accuracy", "value"].to_numpy()
    # Nothing is won, so that p is 2 / 2^lost. Of two, the smaller p is doubled, at most to the larger one.
    pairs = (2 / 2.0**lost).reshape(4, 2)
    expected = np.where(
        pairs == pairs.min(axis=1, keepdims=True), np.minimum(2 * pairs, pairs.max(axis=1)[:, None]), pairs
    )
    assert q == pytest.approx(expected.ravel())


def test_logits_that_are_not_finite():
    with pytest.raises(InputError, match="not finite"):
        outcomes(np.full((1, 2, 3), np.nan), np.array([0, 1]), CLASSES)


def test_log_probability_of_sure_predictions_is_exact():
    found = outcomes(np.array([[[20.0, 0, 0]]], np.float32), np.array([0]), CLASSES)
    assert found.log_probability[0, 0] == pytest.approx(-2 * np.exp(-20.0), rel=1e-6, abs=0)


# Importance and pruning


def test_importance_is_normalised_by_layer():
    assert layer_normalised(np.array([[3.0, 4], [0, 0]])).tolist() == [[0.6, 0.8], [0, 0]]


def test_importance_and_its_correlation():
    places = single_places(["zero"], [1, 2], [1, 2]).iloc[:4]
    gradients = np.array([[[3.0, -4], [0, 1]], [[-3, 4], [0, 1]]])
    lost = -np.array([1.0, 2, 0.5, 3])[:, None] * np.ones((4, 5))
    table = importance_table(gradients, places, lost, HOW)
    assert table.loc[table["statistic"] == "importance", "value"].tolist() == pytest.approx([0.6, 0.8, 0, 1])
    assert table.loc[table["statistic"] == "gradient", "value"].tolist() == pytest.approx([3, 4, 0, 1])
    spearman = table[table["statistic"] == "spearman"].iloc[0]
    assert (spearman["value"], spearman["low"]) == (pytest.approx(1), pytest.approx(1))


def test_orders_and_curves():
    places = single_places(["zero"], [1, 2], [1, 2]).iloc[:4]
    gradients = np.array([[[0.1, 1], [-3, 4]]])
    orders = removal_orders(gradients, places, np.array([[-3.0], [-1], [-2], [-4]]), 2, seed=1)
    assert orders["importance"][0].tolist() == [0, 2, 3, 1]
    assert orders["effect"][0].tolist() == [1, 2, 0, 3]
    assert [sorted(order) for order in orders["random"]] == [[0, 1, 2, 3]] * 2
    curve = pruning_curves(gradients, places, np.array([[-3.0], [-1], [-2], [-4]]), 2, 10, seed=1)
    assert curve.groupby("order")["repeat"].max().to_dict() == {"importance": 1, "effect": 1, "random": 2}
    of_effect = curve[curve["order"] == "effect"]
    assert of_effect["removed"].tolist() == [0, 1, 2, 3, 4]
    assert of_effect["gone"].tolist()[:3] == [(), ((1, 2),), ((1, 2), (2, 1))]


def test_derivatives_of_opposite_signs_do_not_cancel():
    places = single_places(["zero"], [1], [1, 2, 3]).iloc[:3]
    gradients = np.array([[[5.0, 1, 2]], [[-5, 1, 2]]])
    assert removal_orders(gradients, places, np.zeros((3, 1)), 0, seed=1)["importance"][0].tolist() == [1, 2, 0]


@pytest.mark.parametrize(("lost", "removable"), [(5, 1), (6, 0)])
def test_accuracy_is_lower_from_a_p_under_one_in_twenty_on(lost, removable):
    """Five of twelve lost have p = 2/32, six 2/64."""
    after = made_outcomes([[True] * 12, [False] * lost + [True] * (12 - lost)], np.zeros((2, 12)))
    curve = pd.DataFrame({"order": "importance", "repeat": 1, "removed": range(2)})
    table = curve_table(curve, after.of([0]), after, HOW)
    assert table.loc[table["statistic"] == "removable", "value"].item() == removable


def test_heads_that_can_go():
    """Accuracy is first really lower, by six of twelve, with two heads gone, and that three are no worse is nothing."""
    curve = pd.DataFrame({"order": "importance", "repeat": 1, "removed": range(5)})
    right = [[True] * 12, [True] * 11 + [False], [True] * 6 + [False] * 6, [True] * 12, [False] * 12]
    after = made_outcomes(right, np.zeros((5, 12)))
    table = curve_table(curve, after.of([0]), after, HOW)
    assert table.loc[table["statistic"] == "removable", "value"].tolist() == [1]
    accuracy = table[table["statistic"] == "accuracy"]
    assert accuracy["value"].tolist() == pytest.approx([1, 11 / 12, 0.5, 1, 0])
    assert accuracy["removed"].tolist() == [0, 1, 2, 3, 4]


# The script


def run(folder, model, **changed):
    model.config.id2label, model.config.label2id = dict(enumerate(CLASSES)), {n: i for i, n in enumerate(CLASSES)}
    model.save_pretrained(folder / "model")
    for seed, split in enumerate(("train", "validation", "test")):
        members = some_members(12, seed)
        write_split(folder / f"{split}.arrow", [*members, members[0]])
    params = {
        "modes": ["zero", "uniform", "mean"],
        "sequences_per_class": 30,
        "steps": 4,
        "random_orders": 2,
        "permutations": 99,
        "classes": CLASSES,
        "device": "cpu",
        "threads": 1,
        "shards": 2,
        "batch_size": 4,
        "bootstrap": 50,
        "seed": 3,
    }
    inputs = {split: f"{split}.arrow" for split in ("train", "validation", "test")}
    outputs = {name: f"{name}.tsv" for name in ("findings", "importance", "curve")}
    output = run_script("head_ablation", folder, outputs, inputs, **params | changed)
    return {name: read_table(path) for name, path in vars(output).items()}


def test_script(tmp_path, model):
    width = WIDTH // HEADS
    model.bert.encoder.layer[1].attention.output.dense.weight[:, 2 * width : 3 * width] = 0
    found = run(tmp_path, model)
    table, curve = found["table"], found["curve"]
    overall = table[table["class"] == "all"]
    assert (overall["n"] == 12).all(), "a copy counts once"
    assert set(overall["variant"]) == {"none", "zero", "uniform", "mean"}
    dead = overall[(overall["layer"] == 2) & (overall["head"] == 3)].pivot(
        index="variant", columns="statistic", values="value"
    )
    assert (dead[["d_accuracy", "d_macro_f1", "d_log_probability", "lost", "won"]] == 0).all(axis=None)
    assert (dead["p_log_probability"] == 1).all()

    # All heads of a layer by hand, on the model read anew.
    again = load_classifier(tmp_path / "model", CLASSES, CPU).requires_grad_(False)
    again.bert.encoder.layer[2].attention.output.dense.weight[:] = 0
    sequences = open_split(tmp_path / "test.arrow").slice(0, 12)
    shares = softmax(predicted_logits(again, sequences, 4), axis=1)[np.arange(12), np.arange(12) % 3]
    of_layer = overall[(overall["variant"] == "zero") & (overall["site"] == "layer") & (overall["layer"] == 3)]
    assert of_layer.set_index("statistic").loc["log_probability", "value"] == pytest.approx(
        np.log(shares).mean(), rel=1e-4
    )

    assert (
        curve[curve["statistic"] == "accuracy"].groupby(["order", "repeat"])["removed"].apply(list).tolist()
        == [[0, 3, 6, 9, 12]] * 4
    )
    last = curve[(curve["removed"] == 12) & (curve["statistic"] == "accuracy")]
    assert last["value"].nunique() == 1
    assert found["findings"]["source"].str.contains("Kovaleva|Michel").all()
    assert set(found["findings"]["verdict"]) <= VERDICTS
    importance = found["importance"].set_index(["statistic", "layer", "head"])["value"]
    assert importance["importance", 2, 3] == 0
    assert len(found["sequences"]) == 12 * 3 * (LAYERS * HEADS + LAYERS)
    assert found["sequences"]["log_probability"].max() <= 0
    figure = draw_head_ablation(table, found["importance"], curve, [*CLASSES, "mu"])
    assert "no sequence of mu" in figure.get_suptitle()


class ByHand:
    """A split's twelve distinct sequences, and what the model makes of them where outputs of heads are overwritten."""

    def __init__(self, model, path):
        table = open_split(path).slice(0, 12)
        self.model, self.labels = model, np.array(table["label"])
        self.inputs = pad([np.array(ids) for ids in table["input_ids"].to_pylist()])

    def outputs(self):
        """Mean output of each layer's heads, side by side, over real tokens."""
        kept = []
        handles = [
            layer.attention.self.register_forward_hook(lambda *call: kept.append(call[-1][0]))
            for layer in self.model.bert.encoder.layer
        ]
        self.model(**self.inputs)
        [handle.remove() for handle in handles]
        return [z[self.inputs["attention_mask"].bool()].mean(dim=0) for z in kept]

    def scores(self, layer, head, instead):
        """Number right, and mean log-probability; `instead` (d,) is put in place of a head's or all heads' output."""
        columns = slice(None) if np.isnan(head) else slice(8 * int(head) - 8, 8 * int(head))

        def overwrite(module, arguments, output):
            output[0][..., columns] = instead[columns]

        handle = self.model.bert.encoder.layer[layer - 1].attention.self.register_forward_hook(overwrite)
        shares = self.model(**self.inputs).logits.log_softmax(dim=-1).numpy()
        handle.remove()
        return (shares.argmax(axis=1) == self.labels).sum(), shares[np.arange(12), self.labels].mean()


def test_means_are_of_train_choices_of_validation_and_costs_of_test(tmp_path):
    model = random_bert(LAYERS, HEADS, WIDTH, len(CLASSES), seed=3)
    found = run(tmp_path, model, modes=["zero", "mean"], steps=LAYERS * HEADS, random_orders=1)
    again = load_classifier(tmp_path / "model", CLASSES, CPU).requires_grad_(False)
    splits = {name: ByHand(again, tmp_path / f"{name}.arrow") for name in ("train", "validation", "test")}
    means = splits["train"].outputs()
    places = single_places(["zero", "mean"], range(1, LAYERS + 1), range(1, HEADS + 1))
    scores = {
        name: pd.DataFrame(
            [
                splits[name].scores(layer, head, means[layer - 1] if variant == "mean" else torch.zeros(WIDTH))
                for variant, layer, head in places[["variant", "layer", "head"]].itertuples(index=False)
            ],
            columns=["hits", "log_probability"],
        )
        for name in ("validation", "test")
    }
    place = ["variant", "site", "layer", "head"]
    log_test = found["sequences"].groupby(place, sort=False, dropna=False)["log_probability"].mean()
    assert log_test.to_numpy() == pytest.approx(scores["test"]["log_probability"].to_numpy(), rel=1e-4)

    # One head gone: the one that validation can spare best, not test; its cost is that of test.
    of_heads = {name: table["log_probability"][: LAYERS * HEADS] for name, table in scores.items()}
    spared, of_test = of_heads["validation"].idxmax(), of_heads["test"].idxmax()
    assert spared != of_test
    first = found["curve"].set_index(["order", "removed", "statistic"])["value"]["effect", 1, "log_probability"]
    assert first == pytest.approx(of_heads["test"][spared], rel=1e-4)

    # The place that a finding asks about is the best of all on validation.
    best, best_of_test = (table.sort_values(["hits", "log_probability"]).index[-1] for table in scores.values())
    assert best != best_of_test
    layer, head, variant = places.loc[best, ["layer", "head", "variant"]]
    what = f"layer {layer} ({variant})" if np.isnan(head) else f"layer {layer}, head {head:.0f} ({variant})"
    asked = found["findings"].loc[found["findings"]["claim"].str.startswith("Disabling"), "detail"]
    assert asked.eq(what).all() and len(asked)

    network, labels = Network(again), torch.from_numpy(splits["validation"].labels).long()
    derivatives = network.gate_gradients(network.record(splits["validation"].inputs)[1], labels)
    gradient = found["importance"][found["importance"]["statistic"] == "gradient"]
    assert gradient["value"].to_numpy() == pytest.approx(derivatives.abs().mean(dim=0).flatten().numpy(), rel=1e-3)


def test_script_on_some_heads(tmp_path, model):
    found = run(tmp_path, model, layers=[2], heads=[1, 4], modes=["zero"], selected_classes=["beta"])
    rows = found["table"][found["table"]["statistic"] == "d_accuracy"]
    assert set(rows["class"]) == {"all", "beta"}
    assert set(rows["layer"]) == {2}
    assert set(rows.loc[rows["site"] == "head", "head"]) == {1, 4}
    draw_head_ablation(found["table"], found["importance"], found["curve"], ["beta"])


def test_script_on_a_head_that_does_not_exist(tmp_path, model):
    with pytest.raises(InputError, match="analyses.head_ablation.heads: 5"):
        run(tmp_path, model, heads=[5])


@pytest.mark.parametrize(
    ("losses", "verdict"),
    [
        # Of 400 sequences: no loss, 11.7% of accuracy, and one of 5 in 40, which shows neither.
        ([(0, 400)] * 8, "supported"),
        ([(47, 400)] * 8, "contradicted"),
        ([(2, 40)] * 8, "undecided"),
        ([(0, 400)] * 4 + [(47, 400)] * 4, "undecided"),
    ],
)
def test_a_head_can_go_only_where_its_loss_is_known_to_be_small(losses, verdict):
    rows = [
        ("zero", "head", 1, head, "d_accuracy", -lost / n, *paired_interval(lost, 0, n, 0.95))
        for head, (lost, n) in enumerate(losses, start=1)
    ]
    table = pd.DataFrame(rows, columns=[*PLACES, "statistic", "value", "low", "high"])
    finding = dispensable_heads(table, "accuracy", 0.95)
    assert finding.verdict == verdict and finding.n == 8


def test_correlation_of_small_numbers_is_one_too():
    one = np.array([1e-6, 2e-6, 4e-6])
    assert _correlation(np.stack([3 * one, -one, np.ones(3)]), one) == pytest.approx([1, -1, np.nan], nan_ok=True)
