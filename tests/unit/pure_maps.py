"""Maps of pure patterns, and what is known of each."""

import numpy as np
import torch

N = 40
ONE = np.eye(N)
INDEX = np.arange(N)
COLUMN = ONE[np.full(N, 20)]
PURE = {
    "uniform": np.full((N, N), 1 / N),
    "itself": ONE,
    "one column": COLUMN,
    "previous token": ONE[np.maximum(INDEX - 1, 0)],
    "next token": ONE[np.minimum(INDEX + 1, N - 1)],
    "four blocks": np.kron(np.eye(4), np.full((10, 10), 0.1)),
    "shift by half": ONE[(INDEX + N // 2) % N],
    "column and itself": 0.5 * COLUMN + 0.5 * ONE,
}
# diffuse, vertical, self, diag, bwd, fwd, cluster, instance (to the decimals given), name, Kovaleva's class
TRUTH = {
    "uniform": (1, 0, 0, 0, 0, 0, 0, 0, "diffuse", "heterogeneous"),
    "itself": (0, 0, 1, 1, 0, 0, 0, 0, "self", "diagonal"),
    "one column": (0, 1, 0, 0.001, 0.002, 0.002, 0, 0, "vertical", "vertical"),
    "previous token": (0, 0.026, 0, 1, 1, 0, 0, 0, "bwd", "diagonal"),
    "next token": (0, 0.026, 0, 1, 0, 1, 0, 0, "fwd", "diagonal"),
    "four blocks": (9 / 39, 0, 0.077, 0.223, 0.132, 0.132, 0.720, 0.055, "cluster", "block"),
    "shift by half": (0, 0, 0, 0, 0, 0, 0, 1, "instance", "heterogeneous"),
    "column and itself": (0.025, 0.5, 0.5, 0.501, 0, 0, 0.002, 0, "vertical+self", "vertical+diagonal"),
}


def stack(*maps: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.stack(maps))
