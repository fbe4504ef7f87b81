"""Examples of the classification of sequences."""

import numpy as np

from spikegeometry.model.corruption import hide_runs
from spikegeometry.model.data import EncodedRows, Examples


def labelled_examples(rows: EncodedRows, labels: np.ndarray, unknown_probability: float, seed: int) -> Examples:
    """Examples of classification, a mean share `unknown_probability` of their tokens hidden by [UNK], in runs."""

    def make(row, generator):
        ids = rows[row]
        if unknown_probability:
            ids = hide_runs(ids, generator, unknown_probability)
        return {"input_ids": ids, "labels": int(labels[row])}

    return Examples(len(rows), make, seed)
