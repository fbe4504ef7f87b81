"""What is recorded of a model: the files, and their reader.

A folder of activations holds, for N sequences of the test split (all, or a sample), S of them recorded, L layers, H
heads, hidden size d and n_max tokens of the longest sequence:

sequences.tsv        a row for each of the N (columns: `recording.select`)
cls.npy              float32 (N, L+1, d): [CLS] in the output of the embeddings and of each layer
hidden_states.npy    float32 (S, L+1, n_max, d): all tokens' vectors, 0 beyond the end
tokens.npy           int32 (S, n_max): their ids, [PAD] beyond the end
attention_mean.npz   for each class, float32 (L, H, n_max, n_max): mean attention of each token over the sequences that
                     have it, NaN where none has; and `count_<class>`, its number of sequences
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from spikegeometry.tables import read_tsv


@dataclass
class Recorded:
    """Recorded sequences, read one at a time.

    sequences: a row for each, with at least accession, class, correct, length (tokens) and recorded (its place in the
    arrays). hidden_states: float32 (S, L+1, n_max, d). tokens: int32 (S, n_max).
    """

    sequences: pd.DataFrame
    hidden_states: np.ndarray
    tokens: np.ndarray

    def __len__(self) -> int:
        return len(self.sequences)

    def __iter__(self) -> Iterator[tuple[pd.Series, torch.Tensor]]:
        """Yield each row of sequences.tsv and its hidden states, float32 (L+1, n, d) without padding."""
        for _, row in self.sequences.iterrows():
            yield row, torch.from_numpy(self.hidden_states[row["recorded"], :, : row["length"]])


def read_recorded(folder: str | Path) -> Recorded:
    """The recorded sequences of a folder of activations, whose hidden states stay on disk until they are asked for."""
    sequences = read_tsv(Path(folder, "sequences.tsv"))
    return Recorded(
        sequences[sequences["recorded"] >= 0].sort_values("recorded").reset_index(drop=True),
        # Tensors on top of it read the file when they are read, and writing to them leaves it as it is.
        np.load(Path(folder, "hidden_states.npy"), mmap_mode="c", allow_pickle=False),
        np.load(Path(folder, "tokens.npy"), mmap_mode="r", allow_pickle=False),
    )


def read_mean_attention(path: str | Path, classes: list[str]) -> Iterator[tuple[str, int, torch.Tensor]]:
    """Yield the name, number of sequences and mean attention (L, H, n, n) of each of `classes` in attention_mean.npz.

    n is the length of the longest sequence of the class; the maps are float32.
    """
    with np.load(path, allow_pickle=False) as means:
        for name in classes:
            if name in means:
                maps = torch.from_numpy(means[name])
                n = int(maps[0, 0].diagonal().isfinite().sum())
                yield name, int(means[f"count_{name}"]), maps[..., :n, :n]
