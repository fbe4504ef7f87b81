"""Layer probes: vectors of known classes, BERT's own head, features against a plain loop, and the script."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from scipy.stats import binomtest

from spikegeometry.analyses.tables.probes import findings, probe_table
from spikegeometry.errors import InputError
from spikegeometry.figures.layer_probes import draw_layer_probes
from spikegeometry.geometry.layer_probes import HeadProbe, Vectors, fit_head, fit_linear
from spikegeometry.model.data import EncodedRows
from spikegeometry.model.features import sequence_features
from spikegeometry.stats.resampling import estimates, slope
from spikegeometry.tables import write_parquet
from tiny_bert import CLASSES, classifier, split_table
from tiny_run import read_table, run_script, write_encoded

PENALTIES = (0.01, 1.0, 100.0)


def blobs(n: int, seed: int) -> Vectors:
    """Three classes, each around a corner of its own, and a coordinate that never varies."""
    generator = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    vectors = np.eye(4)[labels] + 0.1 * generator.standard_normal((n, 4))
    vectors[:, 3] = 7
    return Vectors(vectors.astype(np.float32), labels)


def test_both_readouts_tell_classes_apart():
    train, validation, test = blobs(60, 0), blobs(15, 1), blobs(30, 2)
    for probe in (fit_linear(train, validation, 3, PENALTIES), fit_head(train, validation, 3, seed=0)):
        shares = probe.probabilities(test.vectors)
        assert (shares.argmax(axis=1) == test.labels).all()
        assert shares.sum(axis=1) == pytest.approx(np.ones(30), abs=1e-6)


def test_constant_vectors_call_the_most_frequent_class():
    labels = np.array([2, 2, 2, 0, 1])
    train = Vectors(np.full((5, 4), 0.3, dtype=np.float32), labels)
    for probe in (fit_linear(train, train, 3, PENALTIES), fit_head(train, train, 3, seed=0)):
        shares = probe.probabilities(train.vectors)
        assert (shares.argmax(axis=1) == 2).all()
        assert np.ptp(shares, axis=0).max() < 1e-6


def test_penalty_is_chosen_by_validation():
    train, generator = blobs(60, 0), np.random.default_rng(3)
    shuffled = Vectors(blobs(30, 1).vectors, generator.integers(3, size=30))
    # Nothing can be known of shuffled labels, so the most cautious readout does best on them.
    assert fit_linear(train, shuffled, 3, PENALTIES).penalty == 0.01
    assert fit_linear(train, blobs(15, 1), 3, PENALTIES).penalty > 0.01


def test_head_stops_where_validation_tells_it_to():
    train, generator = blobs(60, 0), np.random.default_rng(3)
    shuffled = Vectors(blobs(300, 1).vectors, generator.integers(3, size=300))
    # Nothing can be known of shuffled labels: every step away from even shares costs.
    assert fit_head(train, shuffled, 3, seed=0).probabilities(train.vectors).max() < 0.4
    assert fit_head(train, train, 3, seed=0).probabilities(train.vectors).max() > 0.5


def test_coordinates_are_standardised_by_the_training_vectors():
    train, validation, test = blobs(60, 0), blobs(15, 1), blobs(30, 2)
    shifted = Vectors(validation.vectors + 3, validation.labels)
    probe = fit_linear(train, shifted, 3, PENALTIES)
    assert probe.centre == pytest.approx(train.vectors.mean(axis=0), abs=1e-6)
    # A vector's shares do not depend on the others it is read with.
    alone = [probe.probabilities(test.vectors[row : row + 1])[0] for row in range(30)]
    assert probe.probabilities(test.vectors) == pytest.approx(np.array(alone))


def test_class_without_training_vectors_and_a_single_class():
    train, validation = blobs(60, 0), blobs(15, 1)
    assert (fit_linear(train, validation, 4, PENALTIES).probabilities(train.vectors)[:, 3] == 0).all()
    with pytest.raises(InputError, match="one class alone"):
        fit_linear(Vectors(train.vectors, np.zeros(60, dtype=int)), validation, 3, PENALTIES)


def test_head_has_the_form_of_the_classifier():
    model = classifier()
    ids = torch.from_numpy(EncodedRows(split_table(1))[0])[None]
    with torch.inference_mode():
        output = model(ids, output_hidden_states=True)
    pooler, last = model.bert.pooler.dense, model.classifier
    head = HeadProbe((pooler.weight, pooler.bias), (last.weight, last.bias))
    shares = head.probabilities(output.hidden_states[-1][:, 0].numpy())
    assert shares[0] == pytest.approx(output.logits.softmax(dim=-1)[0].numpy(), abs=1e-6)


def test_features_against_a_plain_loop():
    model, rows = classifier(), EncodedRows(split_table(7, lengths=(4, 9)))
    found = sequence_features(model, rows, batch_size=3)
    for row, ids in enumerate(rows):
        with torch.inference_mode():
            states = torch.cat(model(torch.from_numpy(ids)[None], output_hidden_states=True).hidden_states).numpy()
        assert found["cls"][row] == pytest.approx(states[:, 0], abs=1e-5)
        assert found["kmers"][row] == pytest.approx(states[:, 1:-1].mean(axis=1), abs=1e-5)


def test_broken_weights_are_named():
    model = classifier()
    with torch.no_grad():
        model.bert.encoder.layer[0].output.dense.weight[0, 0] = torch.nan
    with pytest.raises(InputError, match="not finite"):
        sequence_features(model, EncodedRows(split_table(2)), batch_size=2)


def test_slope():
    values = np.array([[1.0, 0.5], [3.0, 0.5], [5.0, 0.5]])
    assert slope(np.array([1, 2, 3]), values).tolist() == [2, 0]
    assert np.isnan(slope(np.array([1]), values[:1])).all()


def test_estimates_draw_copies_together():
    values = np.array([1.0, 1.0, 4.0])

    def statistics(weights):
        return {"mean": weights @ values / weights.sum(axis=1)}

    value, low, high = estimates(statistics, np.array([0, 0, 1]), 500, 0.95, 1)["mean"]
    assert (value, low, high) == (2, 1, 4)
    assert estimates(statistics, np.zeros(3), 500, 0.95, 1)["mean"] == pytest.approx((2, np.nan, np.nan), nan_ok=True)


def test_table_and_finding_of_a_rise():
    generator = np.random.default_rng(0)
    labels = np.arange(90) % 3
    readouts = {}
    for block, right in enumerate((0.3, 0.4, 0.7, 1.0)):
        called = np.where(generator.random(90) < right, labels, (labels + 1) % 3)
        readouts["cls", "head", block] = np.eye(3)[called]
    readouts["whole", "majority", None] = np.tile([1.0, 0, 0], (90, 1))
    rows = pd.DataFrame({"label": labels, "input": np.arange(90)})
    table = probe_table(rows, readouts, samples=200, confidence=0.95, seed=0).assign(set="test")
    of = table.set_index(["readout", "block", "statistic"])["value"]
    assert of["majority", np.nan, "accuracy"] == pytest.approx(1 / 3)
    shares = [of["head", block, "accuracy"] for block in (1, 2, 3)]
    # Of three points the least-squares slope is half the way from the first to the last.
    assert of["head", np.nan, "accuracy_trend"] == pytest.approx((shares[2] - shares[0]) / 2)
    assert [finding.verdict for finding in findings(table)] == ["supported"]
    # All are right in the last block: Wilson's interval is still one.
    last = table[(table["block"] == 3) & (table["statistic"] == "accuracy")].iloc[0]
    assert last["value"] == last["high"] == 1 and 0.9 < last["low"] < 1


def test_copies_are_worth_less_than_as_many_sequences():
    """Three copies and three single ones: (3 + 3)^2 / (9 + 3) = 3 independent ones, of which two are right."""
    rows = pd.DataFrame({"label": [0, 0, 0, 1, 1, 2], "input": [0, 0, 0, 1, 2, 3]})
    called = np.eye(3)[[0, 0, 0, 1, 0, 0]]
    table = probe_table(rows, {("cls", "linear", 1): called}, samples=20, confidence=0.95, seed=0)
    row = table[table["statistic"] == "accuracy"].iloc[0]
    expected = binomtest(2, 3).proportion_ci(0.95, "wilson")
    assert row["value"] == pytest.approx(2 / 3) and row["n"] == 4
    assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high))


# The script


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A model that knows nothing, splits whose k-mers tell the class, and an external set of `other` genomes alone."""
    folder = tmp_path_factory.mktemp("run")
    classifier().save_pretrained(folder / "model")
    for seed, (name, rows) in enumerate({"train": 45, "validation": 12, "test": 15, "field": 6}.items()):
        table = split_table(rows, lengths=(6, 9), seed=seed)
        if name == "field":
            others = [pa.array(["other"] * rows), pa.array([-1] * rows, pa.int32())]
            table = table.set_column(1, "class", others[0]).set_column(2, "label", others[1])
        write_encoded(folder / f"{name}.arrow", table)
        labels = table["label"].to_numpy()
        shares = pd.DataFrame(np.eye(3)[labels], columns=[f"p_{name}" for name in CLASSES])
        write_parquet(shares, folder / f"{name}.parquet")
    return folder


def probe(run, folder, validation="validation.arrow"):
    """Run the script; its outputs by name."""
    inputs = {"train": "train.arrow", "validation": validation, "sets": ["test.arrow", "field.arrow"]}
    inputs |= {"references": ["test.parquet", "field.parquet"]}
    params = {"sets": ["test", "field"], "references": ["finetuned"], "sequences_per_class": 12, "seed": 1}
    params |= {"evaluated_per_class": 4, "batch_size": 8, "device": "cpu", "threads": 1, "classes": CLASSES}
    files = {name: f"{folder}{name}.tsv" for name in ("table", "penalties", "findings")}
    output = run_script("layer_probes", run, files, inputs, **params, bootstrap=50)
    return {name: read_table(getattr(output, name)) for name in files}


@pytest.fixture(scope="module")
def outputs(run):
    return probe(run, "")


def test_train_is_fitted_and_validation_chooses(run):
    """Labels of the validation split that say nothing make the readouts cautious, and no less right on the test."""
    table = split_table(30, lengths=(6, 9), seed=1)
    labels = np.random.default_rng(2).integers(3, size=30)
    table = table.set_column(2, "label", pa.array(labels, pa.int32()))
    table = table.set_column(1, "class", pa.array([CLASSES[label] for label in labels]))
    write_encoded(run / "shuffled.arrow", table)
    found = probe(run, "shuffled_", "shuffled.arrow")
    places = ["representation", "block"]
    assert found["penalties"].set_index(places)["inverse_penalty"]["kmers", 0] == 0.01
    accuracy = found["table"].set_index(["representation", "readout", "block", "statistic"])["value"]
    assert accuracy["kmers", "linear", 0, "accuracy"] == 1


def test_script(outputs):
    table = outputs["table"]
    assert set(table["set"]) == {"test"}
    assert set(table["n"]) == {12}
    accuracy = table[table["statistic"] == "accuracy"].set_index(["representation", "readout", "block"])["value"]
    assert accuracy["whole", "finetuned", np.nan] == 1
    for readout in ("linear", "head"):
        assert accuracy["cls", readout, 0] == pytest.approx(1 / 3)
    # The k-mers tell the class before any block; random blocks do not lose all of it.
    assert accuracy["kmers", "linear", 0] == 1
    assert accuracy["kmers", "linear", 2] > 0.5
    assert len(outputs["penalties"]) == 2 * 3
    assert outputs["findings"]["n"].tolist() == [12] * 3


def test_figure(outputs):
    figure = draw_layer_probes(outputs["table"])
    assert [axis.get_title() for axis in figure.axes] == ["test, n = 12 distinct sequences", "", ""]
