"""Logits and class probabilities of encoded sequences."""

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from transformers import BertForSequenceClassification

from spikegeometry.dataset.encoding import number_rows
from spikegeometry.dataset.predictions import prediction_table
from spikegeometry.logs import progress
from spikegeometry.model.class_space import ClassSpace
from spikegeometry.model.data import (
    EncodedRows,
    batches_by_length,
    check_lengths,
    drop_idle_mask,
    pad,
    to_device,
)

DISTANCES = ("mahalanobis", "neighbours")


@torch.inference_mode()
def logits(
    model: BertForSequenceClassification,
    table: pa.Table,
    batch_size: int,
    number_format: torch.dtype = torch.float32,
    space: ClassSpace | None = None,
) -> np.ndarray:
    """The model's logits on the rows of a split: float32 (rows, classes), in their order.

    With a `space`, two more columns: the distances there of [CLS] after the last block (`ClassSpace.distances`).

    The model reads equal sequences, of which real cohorts are full, once. Matrices are multiplied in `number_format`.
    The logits stay on the device until the last: a copy of each batch would let a GPU wait.

    Raises InputError where a sequence is longer than the model reads.
    """
    rows = EncodedRows(table)
    check_lengths(table, rows.lengths, model.config.max_position_embeddings)
    same = number_rows(table)
    first = np.unique(same, return_index=True)[1]
    batches = batches_by_length(rows.lengths[first], batch_size)
    order = np.concatenate([np.empty(0, np.intp), *batches])
    # One tensor for all: small ones, kept where large ones come and go, would hold on to the memory between them.
    columns = model.config.num_labels + (len(DISTANCES) if space else 0)
    outputs, done = torch.empty((len(first), columns), device=model.device), 0
    states = []
    hook = model.base_model.register_forward_hook(lambda _, __, output: states.append(output.last_hidden_state[:, 0]))
    with torch.autocast(model.device.type, number_format, enabled=number_format != torch.float32):
        for batch in progress(batches, "batches predicted", total=len(batches)):
            inputs = drop_idle_mask(pad([rows[row] for row in first[batch]]))
            rows_done = slice(done, done + len(batch))
            outputs[rows_done, : model.config.num_labels] = model(**to_device(inputs, model.device)).logits
            cls = states.pop()
            if space:
                outputs[rows_done, model.config.num_labels :] = space.distances(cls.float())
            done += len(batch)
    hook.remove()
    result = np.empty(outputs.shape, dtype=np.float32)
    result[order] = outputs.cpu().numpy()
    return result[same]


def predict(
    model: BertForSequenceClassification,
    table: pa.Table,
    classes: list[str],
    batch_size: int,
    number_format: torch.dtype = torch.float32,
    space: ClassSpace | None = None,
) -> pd.DataFrame:
    """Predictions of the rows of a split, in their order; matrices are multiplied in `number_format`.

    Columns: those of `prediction_table`, with `logit_<class>` for each class (float32) before the last, and softmax of
    these as `p_<class>` (float32); with a `space`, also the distances in it, DISTANCES (float32).

    Raises InputError where a sequence is longer than the model reads.
    """
    outputs = logits(model, table, batch_size, number_format, space)
    names = [*(f"logit_{name}" for name in classes), *(DISTANCES if space else ())]
    known = table.select(["accession", "class", "label", "unknown"]).to_pandas()
    predictions = prediction_table(known, torch.from_numpy(outputs[:, : len(classes)]).softmax(-1).numpy(), classes)
    unknown = predictions.pop("unknown")
    return pd.concat([predictions, pd.DataFrame(outputs, columns=names), unknown], axis=1)
