"""Samples of distinct sequences, seeded and of each class."""

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from spikegeometry.dataset.encoding import number_rows
from spikegeometry.errors import InputError

logger = logging.getLogger(__name__)


def distinct_sample(sequences: pd.DataFrame, classes: Sequence[str], most: int, seed: int) -> pd.DataFrame:
    """Up to `most` sequences of each class, a seeded sample in the order of `sequences`, of which no two are equal.

    Equal sequences have the same `input`. One that two classes share counts in both.
    """
    kept = []
    for number, name in enumerate(classes):
        rows = sequences[sequences["class"] == name].drop_duplicates("input")
        if rows.empty:
            logger.warning("There is no sequence of class %s: it will have no rows.", name)
        order = np.random.default_rng([seed, number]).permutation(len(rows))
        kept.append(rows.iloc[np.sort(order[:most])])
    if not any(map(len, kept)):
        raise InputError(
            f"There is no test sequence of {', '.join(classes)} to analyse.\n"
            "Choose other classes in the analysis's block below `analyses`, or give the test split a larger share."
        )
    return pd.concat(kept)


def split_sample(table: pa.Table, classes: Sequence[str], most: int, seed: int) -> pd.DataFrame:
    """Up to `most` rows of each class of an encoded split, no two of them equal: accession, class, label, input.

    The index is the row's in `table`; `input` is a number, the same for equal sequences.
    """
    rows = table.select(["accession", "class", "label"]).to_pandas()
    return distinct_sample(rows.assign(input=number_rows(table)), classes, most, seed)
