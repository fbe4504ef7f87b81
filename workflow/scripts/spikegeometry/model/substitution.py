"""A sequence with some of its tokens changed, as the classifier and the masked model read it.

Only the changed tokens of each variant are kept, and variants that read alike are read once, so that memory is that of
one batch of sequences.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from transformers import BertForMaskedLM, BertForSequenceClassification

from spikegeometry.dataset.vocabulary import MASK, UNK


class Edit(NamedTuple):
    """Other token ids in the place of some tokens (0 is [CLS]); each may be the id that is there."""

    tokens: tuple[int, ...]
    ids: tuple[int, ...]


@torch.inference_mode()
def log_probability_changes(
    model: BertForSequenceClassification, ids: np.ndarray, edits: Sequence[Edit], batch_size: int
) -> np.ndarray:
    """Log-probability of each class after each edit of a sequence `ids` (n,), less that before: float64 (edits, K).

    Exactly 0 where an edit changes no id.
    """
    keys = [tuple((token, new) for token, new in zip(*edit, strict=True) if ids[token] != new) for edit in edits]
    distinct = list(dict.fromkeys([(), *keys]))
    outputs = []
    for start in range(0, len(distinct), batch_size):
        batch = distinct[start : start + batch_size]
        inputs = np.repeat(ids[None].astype(np.int64), len(batch), axis=0)
        for row, key in zip(inputs, batch, strict=True):
            for token, new in key:
                row[token] = new
        logits = model(input_ids=torch.from_numpy(inputs).to(model.device)).logits
        outputs.append(logits.double().log_softmax(-1).cpu().numpy())
    found = np.concatenate(outputs)
    rows = {key: row for row, key in enumerate(distinct)}
    return found[[rows[key] for key in keys]] - found[0]


@torch.inference_mode()
def masked_changes(model: BertForMaskedLM, ids: np.ndarray, edits: Sequence[Edit], batch_size: int) -> np.ndarray:
    """Log-probability of the edited tokens less that of those of the sequence `ids` (n,), all of them masked: (edits,).

    The tokens of an edit are masked together, whether their ids change or not, and the differences at each are summed:
    the masked marginals of Meier et al. (2021, NeurIPS 34), with what a substitution touches in place of its residue.
    NaN where a token is [UNK], before or after: the model gives k-mers that it does not know no probability.
    """
    found = np.full(len(edits), np.nan)
    members: dict[tuple[int, ...], list[int]] = {}
    for number, (tokens, new) in enumerate(edits):
        old = ids[list(tokens)]
        if UNK in new or UNK in old:
            continue
        if (old == new).all():
            found[number] = 0.0
        else:
            members.setdefault(tokens, []).append(number)
    places = list(members)
    for start in range(0, len(places), batch_size):
        batch = places[start : start + batch_size]
        inputs = np.repeat(ids[None].astype(np.int64), len(batch), axis=0)
        for row, tokens in zip(inputs, batch, strict=True):
            row[list(tokens)] = MASK
        hidden = model.bert(input_ids=torch.from_numpy(inputs).to(model.device)).last_hidden_state
        for states, tokens in zip(hidden, batch, strict=True):
            at = list(tokens)
            scores = model.cls(states[at]).double().log_softmax(-1).cpu().numpy()
            rows = np.arange(len(at))
            before = scores[rows, ids[at]].sum()
            for number in members[tokens]:
                found[number] = scores[rows, list(edits[number].ids)].sum() - before
    return found
