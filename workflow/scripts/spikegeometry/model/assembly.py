"""Assembly of the shards that `recording` wrote into the files that `activations` describes."""

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.lib.format import write_array

from spikegeometry.model.data import EncodedRows
from spikegeometry.tables import atomic_path, create_array


def gather_vectors(shards: list[Path], sequences: pd.DataFrame, cls: str | Path, hidden_states: str | Path) -> None:
    """Put the shards' `cls.npy` and `hidden_states.npy` together, holding one shard's memory map at a time."""
    first = np.load(shards[0] / "hidden_states.npy", mmap_mode="r", allow_pickle=False)
    layers, longest, width = first.shape[1:]
    recorded = sequences["recorded"].to_numpy()
    with atomic_path(cls) as cls_path, atomic_path(hidden_states) as hidden_path:
        all_cls = create_array(cls_path, (len(sequences), layers, width))
        all_hidden = create_array(hidden_path, (int((recorded >= 0).sum()), layers, longest, width))
        start = 0
        for shard in shards:
            part = np.load(shard / "cls.npy", mmap_mode="r", allow_pickle=False)
            stop = start + len(part)
            all_cls[start:stop] = part
            places = recorded[start:stop]
            all_hidden[places[places >= 0]] = np.load(shard / "hidden_states.npy", mmap_mode="r", allow_pickle=False)
            start = stop
        all_cls.flush()
        all_hidden.flush()


def gather_tokens(rows: EncodedRows, sequences: pd.DataFrame, path: str | Path) -> None:
    """Write the ids of the recorded sequences (`rows` are those of the whole split)."""
    recorded = sequences[sequences["recorded"] >= 0]
    tokens = np.zeros((len(recorded), sequences["length"].max()), dtype=np.int32)
    for row in recorded.itertuples():
        tokens[row.recorded, : row.length] = rows[row.index]
    with atomic_path(path) as partial, open(partial, "wb") as file:
        np.save(file, tokens, allow_pickle=False)


def gather_attention(shards: list[Path], sequences: pd.DataFrame, path: str | Path) -> None:
    """Divide the shards' sums of attention by the sequences that have each row, a class at a time.

    A row of the mean map then sums to 1, whatever the lengths: a key that a sequence lacks gets nothing of it. Rows and
    columns that no sequence of the class has are NaN.
    """
    with atomic_path(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name, members in sequences.groupby("class", sort=False):
            parts = [shard / "attention" / f"{name}.npy" for shard in shards]
            sums = (np.load(part, mmap_mode="r", allow_pickle=False) for part in parts if part.exists())
            total = sum(part.astype(np.float64) for part in sums)
            longest = total.shape[-1]
            # A sequence of n tokens has the cells of the first n rows and columns.
            longer = (members["length"].to_numpy()[:, None] > np.arange(longest)).sum(axis=0)
            mean = np.full(total.shape, np.nan)
            there = int((longer > 0).sum())
            mean[..., :there, :there] = total[..., :there, :there] / longer[:there, None]
            _write_member(archive, name, mean.astype(np.float32))
            _write_member(archive, f"count_{name}", np.array(len(members)))


def _write_member(archive: zipfile.ZipFile, name: str, array: np.ndarray) -> None:
    # np.savez would need every class in memory at once.
    with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
        write_array(file, array, allow_pickle=False)
