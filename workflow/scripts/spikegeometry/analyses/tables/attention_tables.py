"""Tables of attention between tokens, from arrays over the heads of a layer and over tokens.

Layers and heads have 1-based numbers; `heads` gives those of the first axis of an array.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from spikegeometry.dataset.kmers import token_residues
from spikegeometry.tables import atomic_path


@contextmanager
def appending(path: str | Path) -> Iterator[Callable[[pd.DataFrame], None]]:
    """A function that appends a table to the Parquet file `path`; all tables have the same columns.

    None stays in memory: many small tables that do, among large arrays that do not, keep several gigabytes from being
    used again. The file is there when the block ends well.
    """
    with atomic_path(path) as partial, ExitStack() as stack:
        writers: list[pq.ParquetWriter] = []

        def append(part: pd.DataFrame) -> None:
            table = pa.Table.from_pandas(part, preserve_index=False)
            if not writers:
                writers.append(stack.enter_context(pq.ParquetWriter(partial, table.schema, compression="zstd")))
            writers[0].write_table(table)

        yield append


def token_table(
    name: str, layer: int, heads: list[int], statistics: dict[str, np.ndarray], k: int, stride: int
) -> pd.DataFrame:
    """A row for each k-mer of class `name` in each head, from statistics (H, m): what no sequence has is left out.

    Columns: class, layer, head, token (1-based), first_residue, last_residue, and the statistics.
    """
    columns = {statistic: np.asarray(values) for statistic, values in statistics.items()}
    of_head, kmer = (axis.ravel() for axis in np.indices(next(iter(columns.values())).shape))
    table = _places(name, {"layer": [layer], "head": heads}, (0, of_head)).assign(token=kmer + 1)
    table["first_residue"], table["last_residue"] = token_residues(table["token"], k, stride)
    table = table.assign(**{statistic: values.ravel() for statistic, values in columns.items()})
    return table.dropna(subset=list(columns), how="all", ignore_index=True)


def pair_table(
    name: str,
    layer: int,
    heads: list[int],
    cells: tuple[np.ndarray, ...],
    mean: np.ndarray,
    frequencies: dict[str, np.ndarray],
    k: int,
    stride: int,
) -> pd.DataFrame:
    """A row for each pair of tokens in `cells`: indices of head, query and key in arrays (H, n, n).

    Columns: class, layer, head, query and key (token; 0 is [CLS]) with the first and last residue of each, mean (the
    class's mean attention) and frequency_<threshold>. [CLS] has no residues, nor has the last token, [SEP] in the
    longest sequences.
    """
    cells = tuple(np.asarray(axis) for axis in cells)
    tokens = mean.shape[-1]
    table = _places(name, {"layer": [layer], "head": heads}, (0, cells[0]))
    for role, token in zip(("query", "key"), cells[1:], strict=True):
        is_kmer = (token > 0) & (token < tokens - 1)
        first, last = token_residues(token, k, stride)
        table[role] = token.astype(np.int32)
        table[f"{role}_first_residue"] = pd.array(first, dtype="Int32").copy()
        table[f"{role}_last_residue"] = pd.array(last, dtype="Int32").copy()
        table.loc[~is_kmer, [f"{role}_first_residue", f"{role}_last_residue"]] = pd.NA
    table["mean"] = mean[cells]
    return table.assign(**{f"frequency_{key}": np.asarray(values)[cells] for key, values in frequencies.items()})


def difference_table(distances: np.ndarray, axes: dict[str, list[int]], counts: pd.Series) -> pd.DataFrame:
    """Rows of the statistic `difference` for distances (C, L, H) of the classes that `counts` names and counts."""
    distances = np.asarray(distances)
    cells = tuple(axis.ravel() for axis in np.indices(distances.shape))
    table = _places("", axes, cells[1:]).assign(
        statistic="difference", value=distances.ravel(), n=counts.to_numpy()[cells[0]]
    )
    return table.assign(**{"class": counts.index.to_numpy()[cells[0]]})


def _places(name: str, axes: dict[str, list[int]], cells: tuple[int | np.ndarray, ...]) -> pd.DataFrame:
    columns = {
        axis: np.array(labels, dtype=np.int16)[cell] for (axis, labels), cell in zip(axes.items(), cells, strict=True)
    }
    return pd.DataFrame({"class": name} | columns)
