"""Single sequences: which are chosen, what defines a class, and the rule's tables against the model asked directly."""

import itertools

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

from rule_run import run_rule
from spikegeometry.analyses.examples import ABSTAINED, TYPICAL, WRONG, attention_table, choose_examples
from spikegeometry.dataset.encoding import Encoder, encode_batch
from spikegeometry.dataset.vocabulary import SPECIAL_TOKENS, write_vocabulary
from spikegeometry.genomes.definitions import defined_by
from spikegeometry.model.weights import read_layers
from spikegeometry.sequences.mutations import changes, native
from spikegeometry.tables import write_parquet
from tiny_bert import KMERS, classifier, config
from tiny_run import write_encoded

# Choice


def predictions(rows):
    """Of (class, called, probability of red, abstained from)."""
    table = pd.DataFrame(rows, columns=["class", "predicted", "p_red", "abstain"])
    correct = table["class"] == table["predicted"]
    return table.assign(accession=[f"g{i}" for i in range(len(rows))], p_blue=1 - table["p_red"], correct=correct)


REDS = predictions(
    [
        ("red", "red", 0.99, False),
        ("red", "red", 0.9, False),
        ("red", "red", 0.8, True),
        ("red", "blue", 0.3, False),
        ("red", "blue", 0.1, True),
        ("red", "red", 0.9, False),
        ("blue", "blue", 0.2, False),
    ]
)


def chosen(most, inputs=(0, 1, 2, 3, 4, 5, 6)):
    found = choose_examples(REDS, np.array(inputs), ["red", "blue"], most)
    return dict(zip(found.index.tolist(), found["reason"], strict=True))


def test_half_of_a_class_is_doubtful():
    # Certainties of red are 0.99, 0.9, 0.8, 0.7, 0.9 and 0.9: the median is 0.9.
    assert chosen(1) == {4: WRONG, 6: TYPICAL}
    assert chosen(2) == {1: TYPICAL, 4: WRONG, 6: TYPICAL}
    assert chosen(4) == {1: TYPICAL, 3: WRONG, 4: WRONG, 5: TYPICAL, 6: TYPICAL}
    assert chosen(6) == {0: TYPICAL, 1: TYPICAL, 2: ABSTAINED, 3: WRONG, 4: WRONG, 5: TYPICAL, 6: TYPICAL}
    assert chosen(9) == chosen(6)


def test_copies_count_once_and_come_first():
    assert chosen(2, [0, 1, 2, 3, 4, 0, 6]) == {4: WRONG, 5: TYPICAL, 6: TYPICAL}
    assert chosen(9, [0, 1, 2, 3, 4, 1, 6]).keys() == {0, 1, 2, 3, 4, 6}


def test_a_doubtful_one_fills_the_place_of_a_typical():
    only = choose_examples(REDS.iloc[[2, 3, 4]].reset_index(drop=True), np.arange(3), ["red", "blue"], 3)
    assert only["reason"].tolist() == [ABSTAINED, WRONG, WRONG]


# Definitions

GENE = "ATGGCTAAATTTGGGCCC"  # M A K F G P


def test_a_mutation_defines_where_what_defines_is_there_whole():
    projected, insertions = "ATGGTT---TTTGGGCAC", "12:GAA"
    columns = ["mutation", "first", "last"]
    mutations = {
        "red": pd.DataFrame([("C105T", 5, 5), ("del:107:3", 7, 9), ("ins:112:GAA", 12, 13)], columns=columns),
        "green": pd.DataFrame([("C105A", 5, 5), ("del:106:4", 6, 9), ("ins:112:GAT", 12, 13)], columns=columns),
        "blue": pd.DataFrame([("C117A", 17, 17), ("del:108:2", 8, 9)], columns=columns),
    }
    found = changes(projected, insertions, "7-9", GENE)
    assert [(one.name, defined_by(one, projected, insertions, mutations)) for one in found] == [
        ("A2V", ["red"]),
        ("del 3", ["red", "blue"]),
        ("ins 4", ["red"]),
        ("P6H", ["blue"]),
    ]
    assert defined_by(found[0], projected, insertions, {}) == []


# The rule

KMER = 3
VOCABULARY = ["".join(kmer) for kmer in itertools.product("ACGT", repeat=KMER)][:KMERS]  # AAA to CAT
REFERENCE = "AAAACCAGTCATAAC"
CLASSES = ["red", "green", "blue"]
SPIKES = [  # K1, T2, S3, H4, N5
    ("plain", "red", REFERENCE, "", ""),
    ("changed", "green", "AAAACAAGTCATAAC", "", ""),  # T2 silent
    ("two", "green", "ACAACCAGTAATAAC", "", ""),  # K1T, H4N
    ("moved", "blue", "AAA---AGTCATAAC", "9:CAA", "4-6"),  # del 2, Q after S3
]


@pytest.fixture(scope="module", params=["projected", "native"])
def explained(request, tmp_path_factory):
    """The model, and what the rule writes of the sequences of SPIKES, each the only one of its kind."""
    coordinates = request.param
    folder = tmp_path_factory.mktemp(coordinates)
    run = folder / "run"
    model = classifier(attention="eager")
    model.save_pretrained(run / "model/finetuned")
    encoder = Encoder([*SPECIAL_TOKENS, *VOCABULARY], stride=KMER)
    table = pd.DataFrame(SPIKES, columns=["accession", "class", "projected", "insertions", "deletions"])
    table["native"] = [native(*pair) for pair in zip(table["projected"], table["insertions"], strict=True)]
    write_parquet(table, run / "spikes/spikes.parquet")
    write_parquet(table[["accession", "class", "projected"]].iloc[[0, 3]], run / "model/known.parquet")
    (run / "dataset").mkdir()
    write_vocabulary(VOCABULARY, run / "dataset/vocabulary.txt")
    rows = pa.RecordBatch.from_pandas(table[["accession", "class", coordinates]])
    split = pa.Table.from_batches([encode_batch(rows, coordinates, encoder, CLASSES)])
    write_encoded(run / "dataset/test.arrow", split)
    (run / "reference").mkdir()
    (run / "reference/genome.fasta").write_text(f">it\n{REFERENCE}\n", encoding="utf-8")
    ids = [torch.tensor([one]) for one in split.column("input_ids").to_pylist()]
    with torch.no_grad():
        logits = torch.cat([model(input_ids=one).logits for one in ids])
    shares = pd.DataFrame(logits.softmax(-1).numpy(), columns=[f"p_{name}" for name in CLASSES])
    called = np.array(CLASSES, dtype=object)[logits.argmax(-1).numpy()]
    said = table[["accession", "class"]].assign(predicted=called, correct=called == table["class"], abstain=False)
    write_parquet(pd.concat([said, shares], axis=1), run / "predictions/test.parquet")
    (folder / "founders.tsv").write_text("founder\tclass\tmutations\na\tred\tA2C\nb\tblue\tdel:4:3\n", encoding="utf-8")
    settings = {
        "run": "run",
        "source": {"type": "simulate", "simulate": {"founders": str(folder / "founders.tsv")}},
        "classes": CLASSES,
        "reference": {
            "fasta": str(run / "reference/genome.fasta"),
            "start": 1,
            "end": len(REFERENCE),
            "domains": None,
            "regions": None,
        },
        "dataset": {"k": KMER, "stride": KMER, "coordinates": coordinates},
        "analyses": {"attributions": {"definitions": str(folder / "founders.tsv"), "steps": 64}},
        "model": {"device": "cpu"},
    }
    made = run_rule("explain_examples", run, settings)
    return coordinates, model, ids, logits.double(), {name: pd.read_parquet(path) for name, path in made.items()}


def of(table, name):
    return table[table["accession"] == name]


def test_sequences_and_their_neighbours(explained):
    _, _, _, logits, tables = explained
    sequences = tables["sequences"].set_index("accession")
    assert sequences.index.tolist() == [name for name, *_ in SPIKES]
    assert sequences["predicted"].tolist() == [CLASSES[i] for i in logits.argmax(-1)]
    assert sequences["kmers"].tolist() == [5, 5, 5, 5]
    assert sequences["nearest"].tolist() == ["plain", "plain", "plain", "moved"]
    assert sequences["nearest_differences"].tolist() == [0, 1, 2, 0]
    assert sequences["nearest_compared"].tolist() == [15] * 4


def test_attention_is_what_the_model_gives(explained):
    _, model, ids, _, tables = explained
    heads = config().num_attention_heads
    for (name, *_), tokens in zip(SPIKES, ids, strict=True):
        own = of(tables["attention"], name).sort_values(["layer", "head", "token"])
        with torch.no_grad():
            maps = torch.cat(model(input_ids=tokens, output_attentions=True).attentions).double().numpy()
        among = maps[:, :, 1:-1, 1:-1]
        received = (among / among.sum(-1, keepdims=True)).mean(axis=2)
        from_cls = maps[:, :, 0, 1:-1] / maps[:, :, 0, 1:-1].sum(-1, keepdims=True)
        assert len(own) == maps.shape[0] * heads * 5
        np.testing.assert_allclose(own["received"], received.ravel(), rtol=1e-4)
        np.testing.assert_allclose(own["from_cls"], from_cls.ravel(), rtol=1e-4)


def test_attribution_is_of_the_class_that_is_called(explained):
    _, _, _, logits, tables = explained
    for number, (name, *_) in enumerate(SPIKES):
        own = of(tables["kmers"], name)["gradients_reference"].to_numpy()
        called = logits[number].argmax()
        change = (logits[number] - logits[0])[called].item()
        assert own.sum() == pytest.approx(change, abs=2e-2 * max(1, abs(change)))
    changed = of(tables["kmers"], "two")["gradients_reference"].to_numpy()
    assert np.flatnonzero(changed).tolist() == [0, 3]


def test_mutations_lose_what_the_model_says(explained):
    coordinates, model, _, logits, tables = explained
    mutations = tables["mutations"].set_index(["accession", "mutation"])
    names = {"changed": ["T2 silent"], "two": ["K1T", "H4N"], "moved": ["del 2"]}
    names["moved"] += ["ins 3 Q"] if coordinates == "native" else []
    assert mutations.index.tolist() == [(name, one) for name, several in names.items() for one in several]
    # A sequence with one mutation is the reference without it.
    called = logits[1].argmax()
    lost = (logits[1].log_softmax(-1) - logits[0].log_softmax(-1))[called].item()
    assert mutations.loc[("changed", "T2 silent"), "carried"] == pytest.approx(lost, abs=1e-5)
    assert mutations["defines"].to_dict() == dict.fromkeys(mutations.index, "") | {
        ("two", "K1T"): "red",
        ("moved", "del 2"): "blue",
    }
    assert mutations["residue"].to_dict()["two", "H4N"] == 4


def test_kmers_stand_where_their_bases_are_aligned(explained):
    coordinates, _, _, _, tables = explained
    own = of(tables["kmers"], "moved")
    # The second k-mer is lost, and the one that is inserted stands with that before it.
    places = [1, 3, 3, 4, 5] if coordinates == "native" else [1, 2, 3, 4, 5]
    assert own["first_residue"].tolist() == own["last_residue"].tolist() == places


def test_heads_are_counted_layer_after_layer(tmp_path):
    model = classifier(attention="eager")
    model.save_pretrained(tmp_path)
    states = torch.randn(3, 6, 16, generator=torch.Generator().manual_seed(0))
    table = attention_table(states, read_layers(tmp_path), 2)
    assert table[["layer", "head", "token"]].iloc[[0, 4, 8, 15]].to_numpy().tolist() == [
        [1, 1, 1],
        [1, 2, 1],
        [2, 1, 1],
        [2, 2, 4],
    ]
    np.testing.assert_allclose(table.groupby(["layer", "head"])[["received", "from_cls"]].sum(), 1, rtol=1e-5)
