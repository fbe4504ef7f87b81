"""A tiny BERT and tiny data sets for the tests of the model stages."""

import numpy as np
import pyarrow as pa
import torch
from transformers import BertConfig, BertForSequenceClassification

from spikegeometry.dataset.encoding import SCHEMA
from spikegeometry.dataset.vocabulary import CLS, SEP, SPECIAL_TOKENS

CLASSES = ["red", "green", "blue"]
KMERS = 20
VOCABULARY_SIZE = len(SPECIAL_TOKENS) + KMERS


def split_table(rows: int, lengths: tuple[int, int] = (8, 8), seed: int = 0) -> pa.Table:
    """Rows as `open_split` gives them; the class of a row shows in its first three k-mers."""
    generator = np.random.default_rng(seed)
    labels = np.arange(rows) % len(CLASSES)
    ids = []
    for label in labels:
        kmers = generator.integers(
            len(SPECIAL_TOKENS) + 3, VOCABULARY_SIZE, generator.integers(*lengths, endpoint=True)
        )
        kmers[:3] = len(SPECIAL_TOKENS) + label
        ids.append([CLS, *kmers, SEP])
    columns = {
        "accession": [f"genome {row}" for row in range(rows)],
        "class": [CLASSES[label] for label in labels],
        "label": labels.astype(np.int32),
        "haplotype": [f"{row:064x}" for row in range(rows)],
        "unknown": np.zeros(rows, np.int32),
        "input_ids": ids,
    }
    return pa.table(columns, schema=SCHEMA)


def config(**changes) -> BertConfig:
    values = {
        "vocab_size": VOCABULARY_SIZE,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "hidden_size": 16,
        "intermediate_size": 32,
        "max_position_embeddings": 64,
        "id2label": dict(enumerate(CLASSES)),
        "label2id": {name: number for number, name in enumerate(CLASSES)},
        # Wide, so that no two outputs are alike by accident.
        "initializer_range": 0.5,
    }
    return BertConfig(**values | changes)


def classifier(attention: str = "sdpa", seed: int = 0, **changes) -> BertForSequenceClassification:
    """An untrained classifier in evaluation mode."""
    torch.manual_seed(seed)
    return BertForSequenceClassification._from_config(config(**changes), attn_implementation=attention).eval()
