"""One class against the rest: positions that tell it perfectly or not at all, the bound, and the script."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from sklearn import metrics
from sklearn.linear_model import LogisticRegression
from torch import nn
from transformers import BertForSequenceClassification

from checkout import ROOT
from spikegeometry.analyses.tables.telling import (
    detection_metrics,
    detection_table,
    distinct_sequences,
    kmer_tokens,
    tellable_classes,
)
from spikegeometry.analyses.tables.token_evidence import mutual_information
from spikegeometry.dataset.domains import read_domains, residue_places
from spikegeometry.dataset.encoding import SCHEMA
from spikegeometry.dataset.vocabulary import SPECIAL_TOKENS, UNK
from spikegeometry.errors import InputError
from spikegeometry.evaluation.metrics import matthews_correlation
from spikegeometry.figures.one_vs_all import draw_one_vs_all
from spikegeometry.geometry.one_vs_all import (
    Problem,
    attention_contrast,
    balanced_accuracy,
    classify,
    cls_rollouts,
    code_slots,
    logistic_scores,
    lookup_scores,
    network_scores,
    ranking,
    rankings,
    tally,
)
from spikegeometry.geometry.rollout import residual_mix, rollout
from spikegeometry.model.forward import attention_of_sequences, embedding_output
from tiny_run import CLS, FIRST_KMER, SEP, VOCABULARY, random_bert, read_table, run_script, write_encoded

ONCE = np.ones((1, 6))


def noisy_codes(seed, n, slots, tokens=3):
    return np.random.default_rng(seed).integers(tokens, size=(n, slots))


def separable(seed=0, n=120, slots=12):
    """Codes of which those of slot 7 (1-based) alone tell the class, perfectly; a quarter is of the class."""
    codes, positive = noisy_codes(seed, n, slots), np.arange(n) % 4 == 0
    codes[:, 6] = np.where(positive, 2, codes[:, 6] % 2)
    return codes, positive


# Rankings


def test_a_position_that_tells_everything_comes_first():
    codes, positive = separable()
    information = mutual_information(codes, positive.astype(int))
    # Class and rest weigh the same, so the entropy of the class is one bit.
    assert information[6] == pytest.approx(1)
    assert np.delete(information, 6).max() < 0.3
    first = ranking(information)[:1]
    assert first.tolist() == [6]
    counted = tally(codes[:100, first], positive[:100])
    for scores in (lookup_scores, logistic_scores):
        found = detection_metrics(positive[100:], scores(counted, codes[100:, first]), np.ones((1, 20)))
        assert {name: value[0] for name, value in found.items()} == dict.fromkeys(found, 1)


def test_order_of_equal_scores_and_of_random_positions():
    assert ranking(np.array([1, 3, 1, 3.0])).tolist() == [1, 3, 0, 2]
    first, second = (list(rankings({"information": np.arange(9.0)}, 3, seed=5)) for _ in range(2))
    assert [name for name, _ in first] == ["information", "random", "random", "random"]
    assert all(np.array_equal(one, other) for (_, one), (_, other) in zip(first, second, strict=True))
    assert all(sorted(order) == list(range(9)) for _, order in first)
    assert not np.array_equal(first[1][1], first[2][1])


def test_attention_contrast_by_hand():
    rollouts = np.array([[0.2, 0.4], [0.4, 0.4], [0.1, 0.5]])
    assert attention_contrast(rollouts, np.array([True, True, False])) == pytest.approx([0.2, -0.1])


def test_rollouts_against_the_full_product():
    model = random_bert(layers=3, heads=2, width=8, classes=2)
    ids = np.array([[CLS, 7, 9, 11, 13, SEP], [CLS, 8, 6, SEP, 0, 0]], dtype=np.int32)
    found = cls_rollouts(attention_of_sequences(model, ids, [6, 4]), residual=0.5)
    assert found.shape == (2, 4)
    with torch.no_grad():
        attentions = model(torch.tensor([[CLS, 8, 6, SEP]]), output_attentions=True).attentions
    full = rollout(torch.stack([residual_mix(layer[0], 0.5) for layer in attentions]))
    assert found[1] == pytest.approx([*full[0, 1:3].tolist(), 0, 0], abs=1e-7)


def test_embeddings_are_those_of_the_model():
    model = random_bert(layers=1, heads=2, width=8, classes=2)
    sequence = torch.tensor([[CLS, 7, 9, 7, SEP]])
    with torch.no_grad():
        hidden = model(sequence, output_hidden_states=True).hidden_states[0][0]
    assert torch.allclose(embedding_output(model, np.array([9, 7]), 3)[1], hidden[3], atol=1e-6)
    assert not torch.allclose(hidden[1], hidden[3], atol=1e-3)


# Classifiers


def test_tally_by_hand():
    codes = np.array([[0, 1], [0, 1], [2, 0], [0, 1]])
    counted = tally(codes, np.array([True, False, False, False]))
    assert counted.tuples.tolist() == [[0, 1], [2, 0]]
    assert counted.weights == pytest.approx(np.array([[1 / 3, 1 / 2], [1 / 6, 0]]))
    # The class is called for the first tuple: right for all of the class and a third of the rest.
    assert balanced_accuracy(counted, lookup_scores(counted, counted.tuples)) == pytest.approx(2 / 3)
    assert lookup_scores(counted, np.array([[0, 1], [2, 0], [2, 1]])) == pytest.approx([0.6, 0, 0])


def test_codes_stand_for_tokens():
    tokens = np.array([[9, 5], [7, 5], [9, 6]])
    codes, held = code_slots(tokens)
    assert all(held[slot][codes[:, slot]].tolist() == tokens[:, slot].tolist() for slot in range(2))


def test_logistic_regression_against_repeated_sequences():
    """Weights of tuples are the same as the sequences one by one, with scikit-learn's balanced weights."""
    codes, positive = noisy_codes(3, 60, 2), np.arange(60) % 5 < 2
    own = logistic_scores(tally(codes, positive), codes)
    hot = np.concatenate([codes[:, [slot]] == np.arange(3) for slot in range(2)], axis=1).astype(float)
    model = LogisticRegression(class_weight="balanced", max_iter=1000).fit(hot, positive)
    assert own == pytest.approx(model.predict_proba(hot)[:, 1], abs=1e-3)


def vectors_of(slots, tokens, width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(tokens, width, generator=generator) for _ in range(slots)]


def test_no_classifier_passes_the_table_in_training():
    """All of them see no more than which tokens there are, at one position as at several."""
    for slots in ([4], [1, 5], [0, 2, 3]):
        codes = noisy_codes(1, 80, 8)
        problems = [
            Problem(codes[:, slots], np.random.default_rng(seed).random(80) < 0.3, codes[:, slots], np.array(slots))
            for seed in range(6)
        ]
        found = classify(problems, vectors_of(8, 3, 16), steps=300, rate=1e-2, seed=1)
        bound = np.array([accuracy for accuracy, _ in found["lookup"]])
        for classifier in ("mlp", "logistic"):
            assert (np.array([accuracy for accuracy, _ in found[classifier]]) <= bound + 1e-12).all()
        # Trained long enough, the network reaches it.
        assert np.array([accuracy for accuracy, _ in found["mlp"]]) == pytest.approx(bound, abs=0.03)


def test_networks_against_one_trained_alone():
    """A network as torch builds it, on the vectors of single sequences side by side."""
    vectors, slots = vectors_of(4, 3, 5, seed=2), np.array([3, 1])
    codes, positive = noisy_codes(4, 30, 4)[:, slots], np.arange(30) % 3 == 0
    other = noisy_codes(5, 20, 4)[:, slots]
    counted = [tally(other, np.arange(20) < 5), tally(codes, positive)]
    own = network_scores(counted, [slots, slots], [other, codes], vectors, 40, 1e-3, seed=9)[1]

    generator = torch.Generator().manual_seed(9)
    layers = [nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2)]
    with torch.no_grad():
        for layer in layers[::2]:
            bound = layer.in_features**-0.5
            layer.weight.copy_((bound * (2 * torch.rand(layer.weight.T.shape, generator=generator) - 1)).T)
            layer.bias.copy_((bound * (2 * torch.rand(1, len(layer.bias), generator=generator) - 1))[0])
    network = nn.Sequential(*layers)
    inputs = torch.cat([vectors[slot][codes[:, place]] for place, slot in enumerate(slots)], dim=1)
    sides = torch.from_numpy(positive).long()
    weights = torch.where(sides == 1, 0.5 / sides.sum(), 0.5 / (1 - sides).sum())
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(40):
        optimizer.zero_grad()
        (weights * nn.functional.cross_entropy(network(inputs), sides, reduction="none")).sum().backward()
        optimizer.step()
    assert own == pytest.approx(network(inputs).softmax(1)[:, 1].detach().numpy(), abs=1e-5)


# Metrics


def test_always_other_has_no_correlation():
    positive = np.array([True, False, False, False, False, False])
    found = detection_metrics(positive, np.zeros(6), ONCE)
    assert (found["mcc"][0], found["recall"][0], found["f1"][0]) == (0, 0, 0)
    assert np.isnan(found["precision"][0])
    assert found["average_precision"][0] == pytest.approx(1 / 6)
    assert np.isnan(detection_metrics(np.zeros(6, bool), np.zeros(6), ONCE)["mcc"][0])


@pytest.mark.parametrize("seed", range(4))
def test_metrics_against_scikit_learn(seed):
    generator = np.random.default_rng(seed)
    positive, scores = generator.random(50) < 0.3, generator.random(50)
    scores[positive] += 0.2
    weights = np.stack([np.ones(50), generator.integers(1, 4, 50)])
    found = detection_metrics(positive, scores, weights)
    called = scores > 0.5
    for row, weight in enumerate(weights):
        expected = {
            "precision": metrics.precision_score(positive, called, sample_weight=weight),
            "recall": metrics.recall_score(positive, called, sample_weight=weight),
            "f1": metrics.f1_score(positive, called, sample_weight=weight),
            "mcc": metrics.matthews_corrcoef(positive, called, sample_weight=weight),
            "average_precision": metrics.average_precision_score(positive, scores, sample_weight=weight),
        }
        assert {name: values[row] for name, values in found.items()} == pytest.approx(expected)


def test_correlation_of_each_class_of_several():
    confusion = np.array([[[5, 1, 0], [2, 4, 1], [0, 0, 7.0]]])
    true, called = (np.repeat(axis.ravel(), confusion.ravel().astype(int)) for axis in np.indices((3, 3)))
    expected = [metrics.matthews_corrcoef(true == k, called == k) for k in range(3)]
    assert matthews_correlation(confusion)[0] == pytest.approx(expected)


def test_table_of_draws_and_classes():
    measured = {
        ("a", "random", 1, "mlp"): [{"f1": np.array([0.2, 0.0, 0.4])}, {"f1": np.array([0.4, 0.2, np.nan])}],
        ("b", "random", 1, "mlp"): [{"f1": np.array([0.5, 0.5, 0.5]), "train_accuracy": 0.9}],
    }
    measured["a", "random", 1, "mlp"] = [one | {"train_accuracy": 0.7} for one in measured["a", "random", 1, "mlp"]]
    table = detection_table(measured, pd.Series({"a": 3, "b": 4}), 0.9, seed=1).set_index(["class", "statistic"])
    assert table["value"]["a", "f1"] == pytest.approx(0.3)
    assert table["value"]["all", "f1"] == pytest.approx(0.4)
    assert table["n"].to_dict()["all", "f1"] == 7
    assert 0 <= table["low"]["a", "f1"] <= table["high"]["a", "f1"] <= 0.4
    assert table.loc[("all", "train_accuracy"), ["value", "low"]].tolist() == pytest.approx([0.8, np.nan], nan_ok=True)


# Sequences


def encoded(members, classes):
    """An encoded split of (class, token ids of the k-mers)."""
    ids = [[CLS, *map(int, kmers), SEP] for _, kmers in members]
    names = [name for name, _ in members]
    rows = {
        "accession": [f"{name}/{number}" for number, name in enumerate(names)],
        "class": names,
        "label": [classes.index(name) if name in classes else -1 for name in names],
        "haplotype": [""] * len(ids),
        "unknown": [0] * len(ids),
        "input_ids": ids,
    }
    return pa.table(rows, schema=SCHEMA)


def test_distinct_sequences_and_their_kmers(tmp_path):
    path, table = (
        tmp_path / "train.arrow",
        encoded([("a", [5, 6, 7]), ("a", [5, 6, 7]), ("b", [5, 6]), ("other", [5, 5]), ("b", [5, 6, 7])], "ab"),
    )
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table, max_chunksize=2)
    sequences, ids = distinct_sequences(path, ["a", "b"], 9, 0)
    assert sequences["accession"].tolist() == ["a/0", "b/2", "b/4"]
    assert sequences["input"][0] == sequences["input"][2] != sequences["input"][1]
    assert kmer_tokens(ids, sequences["length"], 3).tolist() == [[5, 6, 7], [5, 6, UNK], [5, 6, 7]]
    # Shorter than any training sequence, all of them.
    assert kmer_tokens(ids[1:2, :4], [4], 4).tolist() == [[5, 6, UNK, UNK]]
    sampled, ids = distinct_sequences(path, ["a", "b"], 1, 0)
    assert sampled["class"].tolist() == ["a", "b"] and len(ids) == 2


def test_classes_that_can_be_told():
    both, one = pd.Series(["a", "b"]), pd.Series(["a"])
    assert tellable_classes(["a", "b"], both, both) == ["a", "b"]
    assert tellable_classes(["a", "b"], pd.Series(["a", "b", "c"]), pd.Series(["a", "c"])) == ["a"]
    with pytest.raises(InputError, match="There is no class of a, b with sequences"):
        tellable_classes(["a", "b"], both, one)


# The script

CLASSES = ["alpha", "beta", "gamma"]
PARAMS = {
    "classes": CLASSES,
    "selected_classes": [],
    "positions": [1, 2],
    "sequences_per_class": 3,
    "analysed_per_class": 9,
    "residual": 0.5,
    "random_draws": 2,
    "steps": 100,
    "learning_rate": 1e-2,
    "k": 12,
    "stride": 9,
    "bootstrap": 50,
    "confidence": 0.95,
    "seed": 1,
}


def members(seed, each):
    """Sequences of ten k-mers, one in three longer by two; the seventh is another k-mer in each class."""
    generator = np.random.default_rng(seed)
    for number, name in enumerate(CLASSES[:2] * each):
        kmers = generator.integers(FIRST_KMER, FIRST_KMER + 3, 12 if number % 3 == 0 else 10)
        kmers[6] = 20 + CLASSES.index(name)
        yield name, kmers


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A data set of alpha and beta, none of gamma, and a model."""
    folder = tmp_path_factory.mktemp("run")
    model = random_bert(layers=2, heads=4, width=16, classes=3)
    model.config.id2label = dict(enumerate(CLASSES))
    model.save_pretrained(folder / "model")
    for split, each in {"train": 15, "test": 6}.items():
        write_encoded(folder / f"{split}.arrow", encoded(list(members(each, each)), CLASSES))
    kmers = [f"KMER{number:02}" for number in range(VOCABULARY - len(SPECIAL_TOKENS))]
    (folder / "vocabulary.txt").write_text("\n".join([*SPECIAL_TOKENS, *kmers]) + "\n", encoding="ascii")
    return folder


def tell(folder, test="test.arrow", **params):
    outputs = {"positions": "positions.tsv", "slots": "slots.parquet"}
    inputs = {"train": "train.arrow", "test": test, "vocabulary": "vocabulary.txt"}
    output = run_script("one_vs_all", folder, outputs, inputs, **PARAMS | params)
    return tuple(map(read_table, (output.table, output.positions, output.slots)))


@pytest.fixture(scope="module")
def tables(run):
    return tell(run)


def test_table(tables):
    table, _, _ = tables
    assert set(table["class"]) == {"alpha", "beta", "all"}
    scores = table.set_index(["class", "ranking", "positions", "classifier", "statistic"])
    for classifier in ("logistic", "mlp", "lookup"):
        for statistic in ("f1", "mcc", "average_precision", "train_accuracy"):
            assert scores["value"]["alpha", "information", 1, classifier, statistic] == 1
    # All ten positions that every training sequence has, by logistic regression alone.
    assert set(
        table.loc[table["ranking"] == "all", ["positions", "classifier"]].itertuples(index=False, name=None)
    ) == {(10, "logistic")}
    assert scores["n"]["alpha", "all", 10, "logistic", "f1"] == 6
    assert table.loc[table["statistic"] == "train_accuracy", ["low", "high"]].isna().all(axis=None)
    accuracy = table[table["statistic"] == "train_accuracy"].pivot_table(
        index=["class", "ranking", "positions"], columns="classifier", values="value"
    )
    assert (accuracy.dropna()["mlp"] <= accuracy.dropna()["lookup"] + 1e-5).all()


def test_positions(tables):
    _, positions, slots = tables
    assert len(slots) == 2 * 10
    first = positions[(positions["ranking"] == "information") & (positions["rank"] == 1)].set_index("class")
    assert first["token"].to_dict() == {"alpha": 7, "beta": 7}
    assert first.loc["beta", ["first_residue", "last_residue"]].tolist() == [19, 22]
    assert first["kmer"].to_dict() == {"alpha": "KMER15", "beta": "KMER16"}  # ids 20 and 21, after the special tokens
    assert first[["information", "share_class"]].to_numpy() == pytest.approx(1)
    assert (first["share_rest"] == 0).all()
    assert positions.groupby(["class", "ranking"]).size().to_dict() == {
        (name, by): 2 for name in ("alpha", "beta") for by in ("attention", "information")
    }


def test_positions_are_ranked_by_the_training_sequences(run):
    """In these test sequences another k-mer tells the class."""
    swapped = list(members(99, 6))
    for name, kmers in swapped:
        kmers[[2, 6]] = 20 + CLASSES.index(name), FIRST_KMER
    write_encoded(run / "swapped.arrow", encoded(swapped, CLASSES))
    _, positions, _ = tell(run, "swapped.arrow")
    first = positions[(positions["ranking"] == "information") & (positions["rank"] == 1)]
    assert set(first["token"]) == {7}


def test_attention_of_the_slots_against_a_plain_product(run):
    """The residual connection keeps 0.8 of a token in each layer, the mean of the heads brings the rest."""
    _, _, slots = tell(run, residual=0.8, sequences_per_class=99, analysed_per_class=99)
    model = BertForSequenceClassification.from_pretrained(run / "model", attn_implementation="eager").eval()
    rollouts = {"alpha": [], "beta": []}
    for name, kmers in members(15, 15):
        with torch.no_grad():
            layers = model(torch.tensor([[CLS, *kmers, SEP]]), output_attentions=True).attentions
        weights = np.eye(len(kmers) + 2)[0]
        for layer in reversed(layers):
            weights = 0.8 * weights + 0.2 * weights @ layer[0].mean(dim=0).double().numpy()
        rollouts[name].append(weights[1:11])
    expected = np.mean(rollouts["alpha"], axis=0) - np.mean(rollouts["beta"], axis=0)
    found = slots.set_index("class")["attention"]
    assert found["alpha"].to_numpy() == pytest.approx(expected, abs=1e-6)
    assert found["beta"].to_numpy() == pytest.approx(-expected, abs=1e-6)


def test_same_again_and_a_selection(run, tables):
    again = tell(run)
    assert all(one.equals(other) for one, other in zip(again, tables, strict=True))
    table, *_ = tell(run, selected_classes=["beta"], positions=[30])
    assert set(table["class"]) == {"beta", "all"}
    # More positions than there are: all of them.
    assert set(table["positions"]) == {10}


def test_what_does_not_exist_is_named(run):
    with pytest.raises(InputError, match="Config key analyses.one_vs_all.classes: mu does not exist"):
        tell(run, selected_classes=["mu"])
    with pytest.raises(InputError, match="no class of gamma with sequences"):
        tell(run, selected_classes=["gamma"])


def test_figure(tables):
    table, positions, _ = tables
    domains = residue_places(read_domains(ROOT / "resources/spike_domains.tsv"))
    mutations = pd.DataFrame({"class": ["alpha"], "name": ["N501Y"], "first": [500.5], "last": [501.5]})
    figure = draw_one_vs_all(table, positions, domains, mutations, CLASSES, CLASSES)
    assert figure.get_suptitle().endswith("distinct test sequences; no sequence of gamma")
    titles = [axis.get_title() for axis in figure.axes]
    assert {"alpha (n = 6)", "beta (n = 6)", "Balanced training accuracy"} <= set(titles)


def test_a_score_of_one_half_names_the_rest():
    counted = tally(np.array([[0], [1]]), np.array([True, False]))
    assert balanced_accuracy(counted, np.array([0.5, 0.5])) == 0.5
    assert balanced_accuracy(counted, np.array([0.51, 0.5])) == 1.0
    assert balanced_accuracy(counted, np.array([0.5, 0.51])) == 0.0
