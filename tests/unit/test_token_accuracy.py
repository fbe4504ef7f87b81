"""Accuracy per token: matrices and readings done by hand, a model with a planted rule, and the scripts."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from scipy import sparse, stats
from transformers import BertConfig, BertForMaskedLM, BertModel

from spikegeometry.analyses.tables.token_tables import by_reader, match_table, pair_statistics, pairs_within
from spikegeometry.dataset.encoding import SCHEMA
from spikegeometry.dataset.vocabulary import CLS, MASK, SEP, SPECIAL_TOKENS, write_vocabulary
from spikegeometry.figures.token_accuracy import draw_token_accuracy
from spikegeometry.geometry.token_accuracy import Reading, line, scores, slot_majorities
from spikegeometry.geometry.token_matches import (
    accuracies,
    cluster_scores,
    common_slots,
    read_often,
    resampled_clusters,
    strong_matches,
)
from spikegeometry.model.masked import fit_readout, has_masked_head, hide_kmers, kmer_embeddings, load_masked_model
from spikegeometry.stats.intervals import rank_correlation_interval
from spikegeometry.tables import write_parquet
from tiny_run import read_table, run_script, write_encoded

KNOWN = sparse.csr_array(np.array([[8, 2, 0, 0], [5, 5, 0, 0], [0, 0, 9, 1], [0, 0, 0, 10]]))
ONES = np.ones((1, 3))


# Confusions


def test_accuracies_done_by_hand():
    assert accuracies(KNOWN).tolist() == [0.8, 0.5, 0.9, 1.0]
    assert accuracies(KNOWN).mean() == pytest.approx(0.8)
    assert np.isnan(accuracies(sparse.csr_array((2, 2)))).all()


@pytest.mark.parametrize(
    ("tau", "mutual", "clusters"),
    [(0.5, False, [0, 0, 1, 2]), (0.5, True, [0, 1, 2, 3]), (0.25, True, [0, 0, 1, 2]), (0.1, False, [0, 0, 1, 1])],
)
def test_strong_matches_done_by_hand(tau, mutual, clusters):
    assert strong_matches(KNOWN, tau, mutual).tolist() == clusters


def test_kmer_read_as_another_more_often_is_left_out():
    matrix = sparse.csr_array(np.array([[1, 2, 0], [0, 4, 3], [0, 0, 5]]))
    assert strong_matches(matrix, 0.5).tolist() == [-1, 0, 0]
    # One that was never hidden is left out too.
    assert strong_matches(sparse.csr_array(np.diag([3, 0, 2])), 0.5).tolist() == [0, -1, 1]


def test_read_often_enough():
    assert read_often(np.array([9, 4, 4, 9, 9, 7]), 2).tolist() == [4, 9]


def test_sizes_of_clusters():
    found = cluster_scores(np.array([0, 0, 1, 2, 2, 2, -1]))
    assert found == {
        "tokens": 6,
        "clusters": 2,
        "mean_size": 2.5,
        "largest": 3,
        "matched_share": pytest.approx(5 / 6),
        "largest_share": 0.5,
    }


def test_perfect_reader_has_no_clusters():
    found = cluster_scores(strong_matches(sparse.csr_array(np.diag([3, 4, 5])), 0.2))
    assert (found["clusters"], found["matched_share"]) == (0, 0)
    assert np.isnan(found["largest_share"])


def test_clusters_of_each_weighting():
    # The first sequence takes 7 for 8, the second reads both right.
    rows, tokens, read = np.array([0, 1, 1, 0]), np.array([7, 7, 8, 8]), np.array([8, 7, 8, 8])
    weights = np.array([[1.0, 1.0], [0.0, 2.0]])
    found = resampled_clusters(rows, tokens, read, weights, [0.5])
    assert found[0.5, False, "matched_share"].tolist() == [1, 0]
    assert found[0.5, True, "matched_share"].tolist() == [0, 0]


def test_pairs_of_kmers():
    kmers = ["AAAAAA", "AAGAAA", "AACAAA", "AANAAA", "CAAAAA"]
    slots = np.array([1, 1, 1, 1, 2])
    # AAA and AAG are lysine, AAC is asparagine; N is unknown; with a stride of 2, slot 2 begins inside a codon.
    assert pair_statistics(kmers, slots, 3, np.array([[0, 1]])) == {
        "pairs": 1,
        "hamming": 1,
        "codons": 1,
        "synonymous": 1,
        "same_slot": 1,
    }
    assert pair_statistics(kmers, slots, 3, np.array([[0, 2]]))["synonymous"] == 0
    assert pair_statistics(kmers, slots, 3, np.array([[3, 3]]))["synonymous"] == 0
    assert pair_statistics(kmers, slots, 2, np.array([[4, 0]])) == {
        "pairs": 1,
        "hamming": 1,
        "codons": 0,
        "synonymous": 1,
        "same_slot": 0,
    }
    assert np.isnan(pair_statistics(kmers, slots, 3, np.empty((0, 2), dtype=int))["hamming"])


@pytest.mark.parametrize(
    ("stride", "slot", "differing"),
    [(2, 2, {1, 2, 3}), (2, 3, {2, 3, 4}), (4, 2, {2, 3, 4}), (4, 3, {1, 2, 3}), (3, 2, {0, 1, 2, 3, 4, 5})],
)
def test_codons_of_a_kmer_that_begins_inside_one(stride, slot, differing):
    """Of six bases, those of whole codons count; a slot begins at base `stride * (slot - 1)`, from 0."""
    plain = "AAAAAA"
    kmers = [plain, *(plain[:place] + "C" + plain[place + 1 :] for place in range(6))]
    slots = np.full(7, slot)
    for place in range(6):
        found = pair_statistics(kmers, slots, stride, np.array([[0, place + 1]]))
        assert found["hamming"] == 1
        assert found["codons"] == (place in differing), place


def test_pairs_within_and_table_of_clusters():
    clusters = np.array([1, -1, 1, 0, 1])
    assert pairs_within(clusters).tolist() == [[0, 2], [0, 4], [2, 4]]
    assert match_table(clusters, list("abcde")).to_dict("records") == [{"cluster": 0, "size": 3, "tokens": "a,c,e"}]


# Readings


def reading():
    """Three sequences; k-mers 5 and 6 at a slot whose majority is 5; a perfect reader, and the majority."""
    rows, tokens = np.array([0, 0, 1, 1, 2]), np.array([5, 5, 5, 6, 6])
    return Reading(3, rows, tokens, np.stack([tokens, np.full(5, 5)], axis=1))


def scored(of, least=1, weights=ONES):
    return scores(of, weights, np.array([0, 0, 0, 0, 0, 9, 3]), np.arange(7) == 5, least, 1)


def test_scores_done_by_hand():
    found = {name: values[:, 0].tolist() for name, values in scored(reading()).items()}
    expected = {"micro": [1, 0.6], "apt": [1, 0.5], "micro_gain": [0.4, 0], "apt_gain": [0.5, 0]}
    expected |= {"micro_differing": [1, 0], "apt_differing": [1, 0], "apt_frequent": [1, 1]}
    expected |= {"conforming": [0.6, 1], "conforming_differing": [0, 1]}
    assert {name: found[name] for name in expected} == {
        name: pytest.approx(values) for name, values in expected.items()
    }
    # Accuracy grows with frequency for the majority, and does not vary for the perfect reader.
    assert found["frequency_correlation"] == pytest.approx([np.nan, 1], nan_ok=True)


def test_rare_kmers_do_not_count_and_weights_do():
    assert scored(reading(), least=3)["apt"][1, 0] == 1
    assert np.isnan(scored(reading(), least=3)["apt_differing"]).all()
    assert scored(reading(), weights=np.array([[0.0, 2, 0]]))["micro"][:, 0].tolist() == [1, 0.5]


def test_line_against_scipy():
    generator = np.random.default_rng(0)
    x, weights = generator.random(40), np.ones((1, 40))
    y = 2 * x + generator.random(40)
    x[3] = np.nan
    expected = stats.linregress(np.delete(x, 3), np.delete(y, 3))
    found = line(x, y, weights)
    assert found["confidence_slope",][0] == pytest.approx(expected.slope)
    assert found["confidence_r2",][0] == pytest.approx(expected.rvalue**2)


def test_majorities_and_slots():
    ids = np.array([[2, 7, 8, 3], [2, 7, 9, 3], [2, 6, 9, 3]])
    slots = np.broadcast_to(np.arange(ids.shape[1]), ids.shape)
    (tokens, slots), counts = np.unique([ids.ravel(), slots.ravel()], axis=1, return_counts=True)
    assert slot_majorities(tokens, slots, counts, 5, 5).tolist() == [-1, 7, 9, -1, -1]
    assert common_slots(tokens, slots, counts, 5, 11).tolist() == [-1] * 6 + [1, 1, 2, 2, -1]


def test_trend_is_over_the_blocks_from_1_on():
    readers = [("block", 0), ("block", 1), ("block", 2), ("block", 3), ("own", 3)]
    values = np.array([[9.0], [1.0], [2.0], [3.0], [50.0]])
    found = by_reader(dict.fromkeys(("micro", "apt", "micro_differing", "apt_differing"), values), readers)
    assert found["block", None, "apt_trend"] == pytest.approx([1])
    assert found["own", 3, "micro"] == pytest.approx([50])


# A model with a planted rule: each k-mer is one of two, and the second of a pair is the partner of the first.

FIRST, PAIRS, WIDTH = len(SPECIAL_TOKENS), 8, 64
VOCABULARY = FIRST + 2 * 4  # four firsts, then their four partners
LENGTH = 2 * PAIRS + 2


def planted_sequence(seed: int) -> np.ndarray:
    firsts = FIRST + np.random.default_rng(seed).integers(4, size=PAIRS)
    return np.array([CLS, *np.stack([firsts, firsts + 4], axis=1).ravel(), SEP])


def planted_model() -> BertForMaskedLM:
    """A block in which each k-mer attends to the other one of its pair, and takes over the embedding of its partner."""
    model = BertForMaskedLM(
        BertConfig(
            vocab_size=VOCABULARY,
            num_hidden_layers=1,
            num_attention_heads=1,
            hidden_size=WIDTH,
            intermediate_size=4,
            max_position_embeddings=LENGTH,
        )
    ).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.ones_like(parameter) if name.endswith("LayerNorm.weight") else 0 * parameter)
        bert, layer = model.bert, model.bert.encoder.layer[0]
        places = torch.arange(LENGTH)
        bert.embeddings.word_embeddings.weight[torch.arange(VOCABULARY), torch.arange(VOCABULARY)] = 1
        bert.embeddings.position_embeddings.weight[places, VOCABULARY + places] = 1
        attention = layer.attention.self
        attention.query.weight[places, VOCABULARY + places] = 10
        # Token 1 belongs to 2, 3 to 4, and so on.
        partners = torch.where(places % 2 == 1, places + 1, places - 1).clamp(0, LENGTH - 1)
        attention.key.weight[partners, VOCABULARY + places] = 10
        kmers = torch.arange(FIRST, VOCABULARY)
        attention.value.weight[FIRST + (kmers - FIRST + 4) % 8, kmers] = 1
        layer.attention.output.dense.weight.copy_(torch.eye(WIDTH))
    return model


@pytest.fixture(scope="module")
def planted():
    """The model, the readouts of both blocks, and how much they read right of single k-mers and of spans of two."""
    model = planted_model()
    embeddings = kmer_embeddings(model)
    train = list(hide_kmers(model, [planted_sequence(seed) for seed in range(200)], 1, 0.15, [0], 50))
    states, tokens = torch.cat([of.states for of in train]), np.concatenate([of.tokens for of in train])
    readouts = [fit_readout(states[:, block].clone(), tokens, embeddings, 0) for block in (0, 1)]
    shares = {}
    for span in (1, 2):
        read = list(hide_kmers(model, [planted_sequence(seed) for seed in range(200, 400)], span, 0.15, [1], 50))
        for block, readout in enumerate(readouts):
            right = [(readout.read(of.states[:, block], embeddings) == of.tokens)[of.masked] for of in read]
            shares[span, block] = np.concatenate(right).mean()
    return shares


def test_planted_rule_is_found(planted):
    # Before the block, a masked k-mer shows its place alone: one of four.
    assert planted[1, 0] < 0.4
    # After it all is known, unless the partner is hidden too.
    assert planted[1, 1] > 0.8
    # Spans of two hide whole pairs half of the time, by where they begin.
    assert planted[2, 1] < planted[1, 1] - 0.2


def test_what_is_hidden():
    model, sequences = planted_model(), [planted_sequence(seed) for seed in range(5)]
    batches = [list(hide_kmers(model, sequences, 1, 0.5, [0], size)) for size in (2, 5)]
    for hidden in batches[0]:
        assert hidden.states.shape == (len(hidden.rows), 2, WIDTH)
        assert [
            sequences[row][slot] for row, slot in zip(hidden.rows, hidden.slots, strict=True)
        ] == hidden.tokens.tolist()
    # What is hidden does not depend on the batches.
    one, other = ({(r, s) for of in several for r, s in zip(of.rows, of.slots, strict=True)} for several in batches)
    assert one == other


# The scripts


def write_split(path, sequences, classes):
    columns = {
        "accession": [f"{path.stem} {number}" for number in range(len(sequences))],
        "class": [classes[number % len(classes)] for number in range(len(sequences))],
        "label": np.arange(len(sequences), dtype=np.int32) % len(classes),
        "haplotype": [""] * len(sequences),
        "unknown": np.zeros(len(sequences), np.int32),
        "input_ids": sequences,
    }
    write_encoded(path, pa.table(columns, schema=SCHEMA))


CLASSES = ["alpha", "beta"]
FILES = {"clusters": "clusters.tsv", "matches": "matches.tsv", "confusion": "confusion.parquet", "table": "table.tsv"}
FILES |= {"tokens": "tokens.parquet", "sequences": "sequences.parquet", "findings": "findings.tsv"}
PARAMS = {"train_sequences_per_class": 60, "sequences_per_class": 20, "spans": [1, 2], "rounds": 2, "batch_size": 40}
PARAMS |= {"mask_probability": 0.15, "device": "cpu", "threads": 1, "classes": CLASSES, "seed": 1, "min_targets": 5}
PARAMS |= {"frequent": 3, "taus": [0.2, 0.5], "stride": 3, "bootstrap": 30, "confidence": 0.95}


def run_scripts(folder, model):
    model.save_pretrained(folder / "model")
    write_split(folder / "train.arrow", [planted_sequence(seed) for seed in range(120)], CLASSES)
    write_split(folder / "test.arrow", [planted_sequence(seed) for seed in range(200, 240)], CLASSES)
    write_vocabulary(["AAA", "AAC", "AAG", "AAT", "ACA", "ACC", "ACG", "ACT"], folder / "vocabulary.txt")
    sure = np.linspace(0.6, 0.9, 40)
    predictions = pd.DataFrame({"accession": [f"test {number}" for number in range(40)], "class": CLASSES * 20})
    write_parquet(predictions.assign(correct=True, p_alpha=sure, p_beta=1 - sure), folder / "predictions.parquet")
    inputs = {"train": "train.arrow", "test": "test.arrow", "vocabulary": "vocabulary.txt"}
    inputs |= {"targets": "targets.parquet", "clusters": "clusters.tsv"}
    outputs = FILES | {"targets": "targets.parquet"}
    for script in ("read_masked_kmers", "token_matches", "token_accuracy"):
        output = run_script(script, folder, outputs, inputs, **PARAMS)
    return {key: read_table(getattr(output, key)) for key in FILES}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    return run_scripts(tmp_path_factory.mktemp("run"), planted_model())


def test_table(outputs):
    table = outputs["table"]
    places = ["span", "targets", "reader", "block", "statistic"]
    values = table.set_index(places)["value"]
    assert values[1, "masked", "block", 1, "micro"] > 0.75 > 0.5 > values[1, "masked", "block", 0, "micro"]
    # It reads, and does not name majorities: it is right where the sequence differs from them.
    assert values[1, "masked", "block", 1, "micro_differing"] > 0.7
    assert values[1, "masked", "majority", np.nan, "micro_differing"] == 0
    assert values[1, "masked", "block", 1, "micro_gain"] == pytest.approx(
        values[1, "masked", "block", 1, "micro"] - values[1, "masked", "majority", np.nan, "micro"], abs=1e-5
    )
    # The model's own head reads after its last block.
    assert set(table.loc[table["reader"] == "own", "block"]) == {table.loc[table["reader"] == "block", "block"].max()}
    of_kmers = table["statistic"].str.startswith("frequency_correlation")
    assert set(table.loc[~of_kmers, "n"]) == {40}
    bounded = table[(table["statistic"] == "micro") & (table["reader"] == "block")]
    assert (bounded["low"] < bounded["value"]).all() and (bounded["value"] < bounded["high"]).all()


def test_majorities_and_slots_are_those_of_training(tmp_path):
    """Targets by hand: the test split has other majorities than the training split, and its k-mers at other slots."""
    train, test = [[5, 6], [5, 6], [7, 8]], [[5, 6], [7, 8], [8, 7], [8, 7]]
    for name, several in {"train": train, "test": test}.items():
        write_split(tmp_path / f"{name}.arrow", [np.array([CLS, *kmers, SEP]) for kmers in several], CLASSES)
    write_vocabulary(["AAA", "AAC", "CCC", "CCT"], tmp_path / "vocabulary.txt")  # 5 to 8
    places = [(1, row, slot, test[row][slot - 1]) for row in range(4) for slot in (1, 2)]
    targets = pd.DataFrame(places, columns=["span", "row", "slot", "token"]).assign(masked=True)
    targets = targets.assign(**dict.fromkeys(["own", "block_0", "block_1"], targets["token"]))
    write_parquet(targets, tmp_path / "targets.parquet")
    predictions = pd.DataFrame({"class": CLASSES * 2, "accession": list("abcd"), "correct": True})
    write_parquet(predictions.assign(p_alpha=[0.6, 0.7, 0.8, 0.9], p_beta=0.1), tmp_path / "predictions.parquet")
    inputs = {name: f"{name}.arrow" for name in ("train", "test")} | {"vocabulary": "vocabulary.txt"}
    inputs |= {"targets": "targets.parquet", "clusters": "clusters.tsv"}
    for script in ("token_matches", "token_accuracy"):
        output = run_script(script, tmp_path, FILES, inputs, **PARAMS | {"min_targets": 1})
    scores = read_table(output.table).set_index(["targets", "reader", "statistic"])["value"]
    # 5 and 6 are the training split's majorities, each right once in four times.
    assert scores["masked", "majority", "micro"].item() == 0.25
    tokens = read_table(output.tokens).drop_duplicates("kmer").set_index("kmer")
    assert tokens["slot"].to_dict() == {"AAA": 1, "AAC": 2, "CCC": 1, "CCT": 2}
    assert tokens["frequency"].to_dict() == {"AAA": 2, "AAC": 2, "CCC": 1, "CCT": 1}
    # In training AAA shares its slot with CCC and AAC with CCT, all three bases apart.
    chance = read_table(output.clusters)
    chance = chance[chance["tau"].isna()].set_index("statistic")["value"]
    assert (chance["pairs"], chance["hamming"]) == (2, 3)


def test_readouts_learn_from_training_sequences_alone(tmp_path):
    """The splits have no k-mer in common: none of the test split's is ever read."""
    kmers = {"train": (0, 1), "test": (2, 3)}
    for name, (low, high) in kmers.items():
        firsts = np.random.default_rng(low).integers(low, high + 1, size=(60, PAIRS)) + FIRST
        pairs = np.stack([firsts, firsts + 4], axis=2).reshape(60, -1)
        write_split(tmp_path / f"{name}.arrow", [np.array([CLS, *row, SEP]) for row in pairs], CLASSES)
    planted_model().save_pretrained(tmp_path / "model")
    inputs = {"train": "train.arrow", "test": "test.arrow"}
    run_script("read_masked_kmers", tmp_path, {"targets": "targets.parquet"}, inputs, **PARAMS | {"spans": [1]})
    targets = pd.read_parquet(tmp_path / "targets.parquet")
    targets = targets[targets["masked"]]
    assert set(targets["token"]) == {7, 8, 11, 12}
    assert set(targets["block_1"]) <= {5, 6, 9, 10}
    # As many rounds as are asked for: one is the first half of two.
    run_script(
        "read_masked_kmers", tmp_path, {"targets": "one.parquet"}, inputs, **PARAMS | {"spans": [1], "rounds": 1}
    )
    one, two = (pd.read_parquet(tmp_path / name) for name in ("one.parquet", "targets.parquet"))
    assert one.equals(two[: len(one)]) and 1.5 * len(one) < len(two) < 2.5 * len(one)


def test_other_tables(outputs):
    tokens, confusion, sequences = outputs["tokens"], outputs["confusion"], outputs["sequences"]
    assert (tokens["apt"] == tokens["n_correct"] / tokens["n_target"]).all()
    of_all = tokens[
        (tokens[["span", "targets", "subset", "reader", "block"]] == [1, "masked", "all", "block", 1]).all(axis=1)
    ]
    of_block = confusion[(confusion["span"] == 1) & (confusion["block"] == 1)]
    assert of_all["n_target"].sum() == of_block["count"].sum()
    assert of_all["n_correct"].sum() == of_block.loc[of_block["token"] == of_block["read"], "count"].sum()
    assert len(sequences) == 2 * 40
    assert sequences["confidence"].between(0.5, 0.9).all()
    assert set(outputs["clusters"]["tau"].dropna()) == {0.2, 0.5}
    assert len(outputs["findings"]) == 2 * 5


def test_correlations_with_frequency_are_over_kmers(outputs):
    scores, tokens = (
        outputs[part][(outputs[part][["span", "targets"]] == [1, "masked"]).all(axis=1)] for part in ("table", "tokens")
    )
    last = scores[(scores["reader"] == "block") & (scores["block"] == 1)].set_index("statistic")
    assert last.loc["micro", "n"] == 40
    of_block = tokens[(tokens[["subset", "reader", "block"]] == ["all", "block", 1]).all(axis=1)]
    known = of_block[of_block["n_target"] >= PARAMS["min_targets"]]
    row = last.loc["frequency_correlation"]
    assert row["n"] == len(known) != 40
    assert last.loc["frequency_correlation_majority", "n"] == known["majority"].sum()
    expected = rank_correlation_interval(row["value"], len(known), PARAMS["confidence"])
    assert row[["low", "high"]].tolist() == pytest.approx(expected, rel=1e-4, nan_ok=True)


def test_figure(outputs):
    parts = ("table", "clusters", "tokens", "sequences", "confusion")
    figure = draw_token_accuracy(*(outputs[part] for part in parts), CLASSES)
    assert figure.get_suptitle().endswith("n = 40 distinct test sequences")


def test_model_without_masked_head(tmp_path):
    model = BertModel(planted_model().config)
    outputs = run_scripts(tmp_path, model)
    assert not has_masked_head(tmp_path / "model")
    assert all(table.empty for table in outputs.values())
    assert "no head for masked k-mers" in (tmp_path / "read_masked_kmers.log").read_text(encoding="utf-8")
    parts = ("table", "clusters", "tokens", "sequences", "confusion")
    figure = draw_token_accuracy(*(outputs[part] for part in parts), CLASSES)
    assert "nothing to read" in figure.axes[0].texts[0].get_text()


def test_masked_model_is_read_as_it_was_written(tmp_path):
    model = planted_model()
    model.save_pretrained(tmp_path)
    assert has_masked_head(tmp_path)
    ids = torch.from_numpy(np.where(np.arange(LENGTH) == 4, MASK, planted_sequence(0)))[None]
    read = load_masked_model(tmp_path, torch.device("cpu"))
    with torch.inference_mode():
        assert torch.equal(read(ids).logits, model(ids).logits)


def test_no_kmer_is_hidden_often_enough():
    empty = np.empty(0, dtype=int)
    found = resampled_clusters(empty, empty, empty, np.ones((2, 3)), [0.5])
    assert found[0.5, False, "tokens"].tolist() == [0, 0]
    assert np.isnan(found[0.5, False, "matched_share"]).all()
    of = {name: values[:, 0] for name, values in scored(reading(), least=9).items()}
    assert of["micro"].tolist() == [1, 0.6]
    assert np.isnan([of["apt"], of["apt_gain"], of["frequency_correlation"]]).all()
    assert strong_matches(sparse.csr_array((3, 3)), 0.5).tolist() == [-1, -1, -1]
