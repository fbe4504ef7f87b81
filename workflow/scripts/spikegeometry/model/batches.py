"""Batches of the sequences of a split, as the predictions take them."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import torch

from spikegeometry.logs import progress
from spikegeometry.model.data import EncodedRows, batches_by_length, pad, shard_rows, to_device


def input_batches(
    table: pa.Table, chosen: np.ndarray, shards: int, batch_size: int, device: torch.device
) -> Iterator[tuple[np.ndarray, dict[str, torch.Tensor]]]:
    """Yield places in `chosen`, which are rows of a split, and the model's inputs for them, on the device.

    Where all rows are chosen the batches are those of the predictions in so many shards: sums in floating point may
    depend on the batch in their last bits.
    """
    rows = EncodedRows(table)
    batches = []
    for shard in range(shards):
        of_shard = shard_rows(len(rows), shard, shards)
        places = np.flatnonzero((chosen >= of_shard.start) & (chosen < of_shard.stop))
        batches += [places[batch] for batch in batches_by_length(rows.lengths[chosen[places]], batch_size)]
    for places in progress(batches, "batches", total=len(batches)):
        yield places, to_device(pad([rows[row] for row in chosen[places]]), device)
