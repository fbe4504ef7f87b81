"""What a model computes of given tokens, where more is wanted than predictions."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor
from transformers import BertForSequenceClassification


def attention_of_sequences(
    model: BertForSequenceClassification, ids: np.ndarray, lengths: Iterable[int]
) -> Iterator[tuple[Tensor, ...]]:
    """Yield the attention of each layer, (H, n, n), for each row of padded token ids and its length n.

    One sequence at a time, without its padding. `model` must have eager attention.
    """
    for row, length in zip(ids, lengths, strict=True):
        sequence = torch.from_numpy(row[:length]).to(model.device)
        with torch.no_grad():
            output = model.bert(sequence[None], output_attentions=True)
        yield tuple(layer[0].cpu() for layer in output.attentions)


def embedding_output(model: BertForSequenceClassification, tokens: np.ndarray, position: int) -> Tensor:
    """What the embeddings put out, X^(0), for each of the token ids (t,) at a position ([CLS] is at 0): (t, d)."""
    ids = torch.from_numpy(tokens.astype(np.int64))[None].to(model.device)
    with torch.no_grad():
        return model.bert.embeddings(ids, position_ids=torch.full_like(ids, position))[0].cpu()
