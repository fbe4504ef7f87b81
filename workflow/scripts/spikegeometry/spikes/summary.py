"""Counts over the table of spikes: lengths, coverage, deletions and insertions of each class."""

import os
from collections import Counter
from collections.abc import Iterable

import pandas as pd
import pyarrow.parquet as pq

ROWS_IN_MEMORY = 500
COLUMNS = ["class", "native", "insertions", "deletions", "n_fraction", "covered_fraction"]
FORMS = ("native", "projected")
DELETION, INSERTION = "deletion", "insertion"


def summarise_spikes(path: str | os.PathLike) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count values and indels of each class in a table of spikes, in constant memory.

    Returns two tables, sorted:

    - class, statistic, value, n: spikes of the class with that value. The statistics are `native_length` (bases),
      `covered_fraction` and `n_fraction` (rounded to three decimals).
    - class, kind, start, end, bases, n, share: spikes of the class with that deletion (of the gene's bases
      `start`..`end`, 1-based, both included) or insertion (of `bases` between `start` and `end` = `start` + 1).
    """
    spikes: Counter[str] = Counter()
    values: Counter[tuple] = Counter()
    indels: Counter[tuple] = Counter()
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(ROWS_IN_MEMORY, columns=COLUMNS, use_threads=False):
            for row in batch.to_pylist():
                name = row["class"]
                spikes[name] += 1
                values[name, "native_length", len(row["native"])] += 1
                for fraction in ("covered_fraction", "n_fraction"):
                    values[name, fraction, round(row[fraction], 3)] += 1
                indels.update((name, *indel) for indel in parse_indels(row["deletions"], row["insertions"]))
    return (
        pd.DataFrame([(*key, n) for key, n in sorted(values.items())], columns=["class", "statistic", "value", "n"]),
        pd.DataFrame(
            [(*key, n, n / spikes[key[0]]) for key, n in sorted(indels.items())],
            columns=["class", "kind", "start", "end", "bases", "n", "share"],
        ),
    )


def read_forms(path: str | os.PathLike, accessions: Iterable[str]) -> pd.DataFrame:
    """native, projected and indels (as `parse_indels` gives them) of some spikes, by accession."""
    wanted = set(accessions)
    with pq.ParquetFile(path) as file:
        batches = file.iter_batches(
            ROWS_IN_MEMORY, columns=["accession", *FORMS, "deletions", "insertions"], use_threads=False
        )
        rows = [row for batch in batches for row in batch.to_pylist() if row["accession"] in wanted]
    table = pd.DataFrame(rows).set_index("accession")
    indels = [parse_indels(*row) for row in table[["deletions", "insertions"]].itertuples(index=False)]
    return table[[*FORMS]].assign(indels=indels)


def parse_indels(deletions: str, insertions: str) -> list[tuple[str, int, int, str]]:
    """Kind, start, end and inserted bases of the indels of a spike, from the two columns of its table."""
    parsed = []
    for deletion in filter(None, deletions.split(";")):
        start, end = map(int, deletion.split("-"))
        parsed.append((DELETION, start, end, ""))
    for insertion in filter(None, insertions.split(";")):
        position, bases = insertion.split(":")
        parsed.append((INSERTION, int(position), int(position) + 1, bases))
    return parsed
