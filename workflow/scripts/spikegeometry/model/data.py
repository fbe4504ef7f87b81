"""Encoded sequences as examples and padded batches."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from torch.utils.data import Dataset

from spikegeometry.dataset.encoding import open_split, token_chunks
from spikegeometry.dataset.samples import split_sample
from spikegeometry.dataset.vocabulary import PAD
from spikegeometry.errors import InputError

NOT_A_TARGET = -100  # the label that PyTorch's cross-entropy leaves out


class EncodedRows:
    """Token ids of a split's rows, each an int64 array from [CLS] to [SEP]; read from the memory map when asked."""

    def __init__(self, table: pa.Table):
        self._chunks = list(token_chunks(table))
        self.lengths = np.concatenate([np.empty(0, np.int32), *(np.diff(offsets) for _, offsets in self._chunks)])
        """Tokens of each row."""
        self._starts = np.cumsum([0, *(len(offsets) - 1 for _, offsets in self._chunks)])

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, row: int) -> np.ndarray:
        chunk = np.searchsorted(self._starts, row, side="right") - 1
        ids, offsets = self._chunks[chunk]
        row = row - self._starts[chunk]
        return ids[offsets[row] : offsets[row + 1]].astype(np.int64)


def sampled_rows(path: str, classes: Sequence[str], most: int, seed: int) -> tuple[pd.DataFrame, list[np.ndarray]]:
    """`split_sample` of an encoded split, the file `path`, and the token ids of its rows."""
    table = open_split(path)
    rows, encoded = split_sample(table, classes, most, seed), EncodedRows(table)
    return rows, [encoded[row] for row in rows.index]


class Examples(Dataset):
    """Examples that are made anew in each epoch.

    `make(row, generator)` returns the model's inputs. The generator follows from the seed, the epoch and the row
    alone, so that a resumed training sees the same examples as an unbroken one, in whatever order it asks.
    """

    def __init__(self, count: int, make: Callable[[int, np.random.Generator], dict], seed: int):
        self.count = count
        self.make = make
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, row: int) -> dict:
        return self.make(row, np.random.default_rng([self.seed, self.epoch, row]))


def collate(examples: list[dict]) -> dict[str, torch.Tensor]:
    """Pad examples to the longest of them.

    `input_ids` is an array of ids; `labels`, if there, one number or one for each token: then `targets` tells which of
    the tokens have one.
    """
    batch = drop_idle_mask(pad([example["input_ids"] for example in examples]))
    labels = [example["labels"] for example in examples if "labels" in example]
    if labels and np.ndim(labels[0]):
        batch["labels"] = _stack(labels, NOT_A_TARGET)
        batch["targets"] = batch["labels"] != NOT_A_TARGET
    elif labels:
        batch["labels"] = torch.from_numpy(np.array(labels))
    return batch


def pad(sequences: list[np.ndarray]) -> dict[str, torch.Tensor]:
    """`input_ids` and `attention_mask`, each int64 (sequences, longest), of sequences of ids."""
    return {
        "input_ids": _stack(sequences, PAD),
        "attention_mask": _stack([np.ones(len(ids), np.int64) for ids in sequences], 0),
    }


def drop_idle_mask(inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Inputs on the CPU without a mask that hides nothing: on a GPU the model would look, and the GPU wait for that."""
    idle = inputs["attention_mask"].all()
    return {name: tensor for name, tensor in inputs.items() if not (idle and name == "attention_mask")}


def to_device(inputs: dict[str, torch.Tensor], device: torch.device) -> dict[str, torch.Tensor]:
    """Inputs on the device; a copy to a GPU starts from pinned memory, so that it waits for nothing."""
    if device.type == "cuda":
        inputs = {name: tensor.pin_memory() for name, tensor in inputs.items()}
    return {name: tensor.to(device, non_blocking=True) for name, tensor in inputs.items()}


def _stack(arrays: list[np.ndarray], fill: int) -> torch.Tensor:
    stacked = np.full((len(arrays), max(map(len, arrays))), fill, dtype=np.int64)
    for row, array in zip(stacked, arrays, strict=True):
        row[: len(array)] = array
    return torch.from_numpy(stacked)


def shard_rows(count: int, shard: int, shards: int) -> slice:
    """Rows of one of `shards` contiguous parts of `count` rows, as even as can be (some are empty if need be)."""
    return slice(count * shard // shards, count * (shard + 1) // shards)


def batches_by_length(lengths: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Rows in batches of neighbours in length, so that little is padded; the longest come first.

    Each batch has as many rows as fit, padded, into the tokens of `batch_size` of the longest.
    """
    order = np.argsort(-lengths, kind="stable")
    batches, start = [], 0
    while start < len(order):
        stop = start + batch_size * int(lengths[order[0]]) // int(lengths[order[start]])
        batches.append(order[start:stop])
        start = stop
    return batches


def check_lengths(table: pa.Table, lengths: np.ndarray, limit: int) -> None:
    """Raise InputError, naming the accession, where a row is longer than the model reads."""
    beyond = np.flatnonzero(lengths > limit)
    if len(beyond):
        accession = table.column("accession")[int(beyond[0])].as_py()
        raise InputError(
            f"{accession} has {lengths[beyond[0]]} tokens, the model reads {limit}.\n"
            "Raise dataset.stride, take `dataset.coordinates: projected`, or leave the genome out."
        )
