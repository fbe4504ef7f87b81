"""Sequences as vectors: what every block of an encoder makes of [CLS] and, in the mean, of the k-mers."""

from collections.abc import Sequence

import numpy as np
import torch
from transformers import BertForSequenceClassification

from spikegeometry.errors import InputError
from spikegeometry.logs import progress
from spikegeometry.model.data import batches_by_length, pad, to_device


@torch.inference_mode()
def sequence_features(
    model: BertForSequenceClassification, sequences: Sequence[np.ndarray], batch_size: int
) -> dict[str, np.ndarray]:
    """`cls` and `kmers`, float32 (n, L+1, d): [CLS] and the mean k-mer after the embeddings (0) and each block.

    `sequences` are n arrays of token ids from [CLS] to [SEP]. Raises InputError where a vector is not finite.
    """
    shape = (len(sequences), model.config.num_hidden_layers + 1, model.config.hidden_size)
    features = {"cls": np.empty(shape, dtype=np.float32), "kmers": np.empty(shape, dtype=np.float32)}
    batches = batches_by_length(np.array([len(ids) for ids in sequences]), batch_size)
    for batch in progress(batches, "batches read", total=len(batches)):
        inputs = to_device(pad([sequences[row] for row in batch]), model.device)
        states = torch.stack(model.base_model(**inputs, output_hidden_states=True).hidden_states, dim=1)
        # Neither [CLS] nor [SEP], the last token that is no padding.
        inner = inputs["attention_mask"].clone()
        inner[:, 0] = 0
        inner[torch.arange(len(batch)), inputs["attention_mask"].sum(dim=1) - 1] = 0
        sums = torch.einsum("bltd,bt->bld", states, inner.to(states.dtype))
        features["cls"][batch] = states[:, :, 0].cpu().numpy()
        features["kmers"][batch] = (sums / inner.sum(dim=1).clamp(min=1)[:, None, None]).cpu().numpy()
    if not all(np.isfinite(vectors).all() for vectors in features.values()):
        raise InputError(
            "The output of a block of the fine-tuned model is not finite.\n"
            "Its weights are broken: train it anew, with a lower learning rate or `model.precision: fp32`."
        )
    return features
