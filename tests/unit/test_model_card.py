"""The card of a model: what the hub reads of it, and what a reader does."""

import re
from copy import deepcopy

import pandas as pd
import pytest
from huggingface_hub import ModelCard
from huggingface_hub.repocard_data import model_index_to_eval_results

from spikegeometry.config import load_config
from spikegeometry.report.model_card import model_card

CONFIG = load_config(
    {
        "run": "demo",
        "classes": ["alpha", "beta"],
        "source": {"type": "simulate", "simulate": {}},
        "external": {"field": {"type": "table", "table": {"sequences": "a.fasta", "labels": "b.tsv"}}},
        "publish": {"license": "cc-by-4.0", "training_sequences": True},
    }
)
ABOUT = {
    "classes": ["alpha", "beta"],
    "cautions": ["Beware: {it} is *simulated*."],
    "sentences": [
        "10 genomes were accepted.",
        "BERT less linear is 0.",
        "BERT classifies 50% of field.",
        "Abstention: none.",
    ],
}
COLUMNS = [
    "set",
    "model",
    "metric",
    "class",
    "value",
    "low",
    "high",
    "n",
    "bert_less",
    "bert_less_low",
    "bert_less_high",
]
METRICS = pd.DataFrame(
    [
        ("validation", "bert", "accuracy", "", 1.0, 0.9, 1.0, 40, None, None, None),
        ("test", "bert", "accuracy", "", 0.95, 0.9, 0.98, 80, None, None, None),
        ("test", "bert", "macro_f1", "", 0.94, 0.8, 0.97, 80, None, None, None),
        ("test", "bert", "f1", "alpha", 0.5, 0.4, 0.6, 80, None, None, None),
        ("test", "kmer_logistic", "accuracy", "", 0.975, 0.9, 1.0, 80, -0.025, -0.0625, 0.0125),
        ("field", "bert", "accuracy", "", 0.5, 0.4, 0.6, 20, None, None, None),
        ("outgroup", "bert", "accuracy", "", None, None, None, 0, None, None, None),
    ],
    columns=COLUMNS,
)
SPLITS = pd.DataFrame([("alpha", "train", 36, 32, 0.5)], columns=["class", "split", "genomes", "haplotypes", "share"])
THRESHOLDS = pd.DataFrame(
    [("alpha", "energy", 1.5, -0.25, 5, "the class", 27), ("beta", "energy", 1.5, 1.0, 2, "all classes", 27)],
    columns=["class", "score", "temperature", "threshold", "n", "fitted_on", "background"],
)
BERT = {"num_hidden_layers": 4, "num_attention_heads": 2, "hidden_size": 128}


def card_of(**publish):
    config = deepcopy(CONFIG)
    config["publish"] |= publish
    return model_card(ABOUT, BERT, METRICS, SPLITS, THRESHOLDS, config, "NC|45")


def test_the_hub_reads_the_metadata():
    read = ModelCard(card_of()).data.to_dict()
    assert (read["license"], read["library_name"], read["pipeline_tag"]) == (
        "cc-by-4.0",
        "transformers",
        "text-classification",
    )
    assert {"bert", "spike"} <= set(read["tags"]) and read["metrics"] == ["accuracy", "f1"]
    name, results = model_index_to_eval_results(read["model-index"])
    assert name == "demo"
    found = [(one.dataset_split, one.metric_type, one.metric_value, one.metric_args) for one in results]
    assert found == [
        ("test", "accuracy", 0.95, None),
        ("test", "f1", 0.94, {"average": "macro"}),
        ("field", "accuracy", 0.5, None),
    ]


def test_without_a_licence_the_card_says_so():
    card = ModelCard(card_of(license=None))
    assert card.data.to_dict()["license"] == "unknown" and "named no licence" in card.text


@pytest.mark.parametrize(("known", "said"), [(True, "go along, in `known.parquet`"), (False, "No training sequence")])
def test_whether_training_sequences_go_along(known, said):
    assert said in ModelCard(card_of(training_sequences=known)).text


def test_a_reader_is_told_what_matters():
    text = ModelCard(card_of()).text
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        f"## {head}" for head in ("Data", "Metrics", "Abstention", "Limits", "Licence", "Use")
    ]
    assert text.index("**Beware: {it} is *simulated*.**") < text.index("## Data")
    assert "The genomes are simulated. 10 genomes" in text
    assert "| test | linear model on k-mers | 0.975 [0.9, 1] | -0.025 [-0.062, +0.013] | 80 |" in text
    assert "| field | fine-tuned | 0.5 [0.4, 0.6] |  | 20 |" in text and "| alpha | -0.25 | 5 | the class |" in text
    assert "validation | " not in text.split("## Metrics")[1].split("## Abstention")[0]
    # Each table has one width.
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1
    assert r"| reference genome | NC\|45 |" in text


def test_real_genomes_are_called_real():
    config = deepcopy(CONFIG) | {"source": {"type": "ena"}}
    assert "The genomes are real." in model_card(ABOUT, BERT, METRICS, SPLITS, THRESHOLDS, config, "r")
