"""Class probabilities of encoded sequences."""

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from transformers import BertForSequenceClassification

from spikegeometry.logs import progress
from spikegeometry.model.data import EncodedRows, batches_by_length, check_lengths, pad


@torch.inference_mode()
def probabilities(model: BertForSequenceClassification, rows: EncodedRows, batch_size: int) -> np.ndarray:
    """Softmax of the model's logits: float32 (rows, classes), in the order of the rows."""
    result = np.empty((len(rows), model.config.num_labels), dtype=np.float32)
    batches = batches_by_length(rows.lengths, batch_size)
    for batch in progress(batches, "batches predicted", total=len(batches)):
        inputs = {name: tensor.to(model.device) for name, tensor in pad([rows[row] for row in batch]).items()}
        result[batch] = model(**inputs).logits.softmax(-1).cpu().numpy()
    return result


def predict(model: BertForSequenceClassification, table: pa.Table, classes: list[str], batch_size: int) -> pd.DataFrame:
    """Predictions of the rows of a split, in their order.

    Columns: accession, class, label (-1 where the class is none of `classes`), predicted, correct, `p_<class>` for each
    class (float32), unknown (tokens that are [UNK]).

    Raises InputError where a sequence is longer than the model reads.
    """
    rows = EncodedRows(table)
    check_lengths(table, rows.lengths, model.config.max_position_embeddings)
    shares = probabilities(model, rows, batch_size)
    known = table.select(["accession", "class", "label", "unknown"]).to_pandas()
    best = shares.argmax(axis=1)
    return pd.concat(
        [
            known[["accession", "class", "label"]],
            pd.DataFrame({"predicted": np.array(classes, dtype=object)[best], "correct": best == known["label"]}),
            pd.DataFrame(shares, columns=[f"p_{name}" for name in classes]),
            known[["unknown"]],
        ],
        axis=1,
    )
