"""What is recorded of a model: the files, and their reader.

A folder of activations holds, for N sequences of the test split, S of them recorded, L layers, H heads, hidden size d
and n_max tokens of the longest sequence:

sequences.tsv        a row for each of the N (columns: `recording.select`)
cls.npy              float32 (N, L+1, d): [CLS] in the output of the embeddings and of each layer
hidden_states.npy    float32 (S, L+1, n_max, d): all tokens' vectors, 0 beyond the end
tokens.npy           int32 (S, n_max): their ids, [PAD] beyond the end
attention_mean.npz   for each class, float32 (L, H, n_max, n_max): mean attention over the sequences that have the cell,
                     NaN where none has; and `count_<class>`, its number of sequences
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from spikegeometry.tables import read_tsv


class Recorded:
    """The recorded sequences of a folder of activations, read from disk one at a time."""

    def __init__(self, folder: str | Path):
        sequences = read_tsv(Path(folder, "sequences.tsv"))
        self.sequences = sequences[sequences["recorded"] >= 0].sort_values("recorded").reset_index(drop=True)
        self.hidden_states = np.load(Path(folder, "hidden_states.npy"), mmap_mode="r", allow_pickle=False)
        self.tokens = np.load(Path(folder, "tokens.npy"), mmap_mode="r", allow_pickle=False)

    def __len__(self) -> int:
        return len(self.sequences)

    def __iter__(self) -> Iterator[tuple[pd.Series, torch.Tensor]]:
        """Yield each row of sequences.tsv and its hidden states, float32 (L+1, n, d) without padding."""
        for _, row in self.sequences.iterrows():
            yield row, torch.from_numpy(np.array(self.hidden_states[row["recorded"], :, : row["length"]]))
