"""What carries an answer: how the probability of the class changes when a mutation is put back to the reference."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import torch
from transformers import BertForSequenceClassification

from spikegeometry.dataset.encoding import Encoder, encode_batch
from spikegeometry.model.prediction import logits

SEQUENCE = "sequence"


def carried(
    model: BertForSequenceClassification, encoder: Encoder, groups: Sequence[Sequence[str]], batch_size: int
) -> list[np.ndarray]:
    """How much of the log-probability of its likeliest class each sequence loses in each of its variants.

    A group is a sequence, in the coordinates that the model reads, and m variants of it, such as the sequence without
    one of its mutations: each gives an array (m,). The unit is that of the natural logarithm: 0.69 where the
    probability is halved, less than 0 where it grows.
    """
    texts = [text for group in groups for text in group]
    columns = {"accession": [""] * len(texts), "class": [""] * len(texts), SEQUENCE: texts}
    rows = encode_batch(pa.RecordBatch.from_pydict(columns), SEQUENCE, encoder, [])
    outputs = torch.from_numpy(logits(model, pa.Table.from_batches([rows]), batch_size))
    scores = outputs.double().log_softmax(-1).numpy()
    parts = np.split(scores, np.cumsum([len(group) for group in groups])[:-1])
    return [part[0].max() - part[1:, part[0].argmax()] for part in parts]
