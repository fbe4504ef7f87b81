"""Simple classifiers beside which BERT's metrics stand, fitted on the training split.

Each has `fit` and `predict(sequences)`, which gives class probabilities (n, K). The validation split only chooses the
penalty of the linear one.
"""

import logging
import os
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from spikegeometry.dataset.encoding import open_split
from spikegeometry.dataset.reading import StoredTexts, spike_batches
from spikegeometry.dataset.vocabulary import SPECIAL_TOKENS
from spikegeometry.evaluation.metrics import log_loss
from spikegeometry.logs import progress
from spikegeometry.tables import atomic_path

logger = logging.getLogger(__name__)

INVERSE_PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0)


@dataclass(frozen=True)
class Sequences:
    """A split as baselines read it.

    `rows` are accession, class, label and unknown of each sequence, `kmers` (n, vocabulary size) is 1 where a sequence
    holds a k-mer (see `read_kmers`), `projected` are the spikes in reference coordinates. A baseline that needs one of
    the last two has it read.
    """

    rows: pd.DataFrame
    kmers: sparse.csr_array | None = None
    projected: Sequence[str] | StoredTexts = ()

    @property
    def labels(self) -> np.ndarray:
        return self.rows["label"].to_numpy()

    def __len__(self) -> int:
        return len(self.rows)


def read_sequences(split: str, kmers_of: "KmerLogistic | None" = None, spikes: str | None = None) -> Sequences:
    """An encoded split, with what a linear baseline reads of it, or with the projected ones of a table of `spikes`."""
    rows = read_rows(split)
    return Sequences(
        rows,
        kmers=None if kmers_of is None else read_kmers(split, kmers_of.common),
        projected=() if spikes is None else read_projected(spikes, rows),
    )


def read_rows(split: str) -> pd.DataFrame:
    """accession, class, label and unknown of an encoded split."""
    return open_split(split).select(["accession", "class", "label", "unknown"]).to_pandas()


def read_projected(spikes: str, rows: pd.DataFrame) -> StoredTexts:
    """The projected spikes of `rows`, which stand in the table of spikes of their cohort in the same order."""
    batches = spike_batches(spikes, ["projected"], rows["accession"])
    return StoredTexts(spike for batch in batches for spike in batch.column("projected").to_pylist())


def common_kmers(split: str, vocabulary_size: int) -> np.ndarray:
    """Which k-mers of the vocabulary more than half of the sequences of an encoded split hold, bool (V,)."""
    table = open_split(split)
    counts = np.zeros(vocabulary_size)
    for chunk in table.column("input_ids").chunks:
        counts += kmer_presence(chunk, vocabulary_size).sum(axis=0)
    return counts > table.num_rows / 2


def read_kmers(split: str, common: np.ndarray) -> sparse.csr_array:
    """Which k-mers each sequence of an encoded split holds, 0 and 1 (n, V), the other way round for `common` (V,) ones.

    A k-mer that most sequences hold is 1 where it is missing: few cells are then not 0, 60 a sequence instead of 400.
    To a linear model with an intercept, which is not penalised, it is the same. The cells are mapped from a temporary
    file: in memory are 4 bytes a sequence.
    """
    ends = array("i", [0])
    everywhere = sparse.csr_array(common[None].astype(float))
    with TemporaryFile() as columns, TemporaryFile() as ones:
        for chunk in open_split(split).column("input_ids").chunks:
            presence = kmer_presence(chunk, len(common))
            cells = abs(presence - sparse.kron(np.ones((len(chunk), 1)), everywhere, format="csr"))
            cells.eliminate_zeros()
            columns.write(cells.indices.astype(np.int32))
            ones.write(cells.data)
            ends.extend(ends[-1] + cells.indptr[1:])
        data, indices = _mapped(ones, np.float64), _mapped(columns, np.int32)
    return sparse.csr_array((data, indices, np.array(ends)), shape=(len(ends) - 1, len(common)))


def _mapped(file: IO[bytes], dtype: type) -> np.ndarray:
    """What is in a file, which may be closed and gone then, as an array mapped into memory."""
    file.flush()
    return np.memmap(file, dtype, "r") if file.tell() else np.empty(0, dtype)


def kmer_presence(input_ids: pa.ListArray, vocabulary_size: int) -> sparse.csr_array:
    """Which k-mers of the vocabulary each sequence holds, (n, vocabulary size) of 0 and 1.

    `input_ids`: lists of token ids. Special tokens are no features, [UNK] among them: how much of a genome is unknown
    says how it was sequenced, not what it is.
    """
    ids = pc.list_flatten(input_ids).to_numpy()
    rows = np.repeat(np.arange(len(input_ids)), pc.list_value_length(input_ids).to_numpy())
    kept = ids >= len(SPECIAL_TOKENS)
    cells = (np.ones(kept.sum()), (rows[kept], ids[kept]))
    presence = sparse.csr_array(cells, shape=(len(input_ids), vocabulary_size))
    presence.data[:] = 1  # a k-mer may stand at several places
    return presence


class Majority:
    """Calls every sequence the most frequent class of the training split; probabilities are the class shares."""

    def fit(self, train: Sequences, n_classes: int) -> "Majority":
        self.shares = np.bincount(train.labels, minlength=n_classes) / len(train)
        return self

    def predict(self, sequences: Sequences) -> np.ndarray:
        return np.tile(self.shares, (len(sequences), 1))


class KmerLogistic:
    """Multinomial logistic regression on the presence of k-mers.

    The inverse penalty C is the one of `INVERSE_PENALTIES` with the smallest log loss on the validation split.
    `common` (V,) are the k-mers whose presence is turned round (`read_kmers`), where it reads encoded splits.
    """

    def __init__(self, common: np.ndarray | None = None):
        self.common = np.zeros(0, dtype=bool) if common is None else common

    def save(self, path: str | os.PathLike) -> None:
        """Write what was fitted as arrays."""
        fitted = {"coef": self.model.coef_, "intercept": self.model.intercept_, "labels": self.model.classes_}
        with atomic_path(path) as partial:
            np.savez(partial, common=self.common, classes=self.n_classes, **fitted)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "KmerLogistic":
        """What `save` wrote."""
        with np.load(path, allow_pickle=False) as fitted:
            baseline = cls(fitted["common"])
            baseline.n_classes, baseline.model = int(fitted["classes"]), LogisticRegression()
            baseline.model.coef_, baseline.model.intercept_ = fitted["coef"], fitted["intercept"]
            baseline.model.classes_ = fitted["labels"]
        return baseline

    def fit(self, train: Sequences, validation: Sequences, n_classes: int) -> "KmerLogistic":
        self.n_classes = n_classes
        everything = np.ones((1, len(validation)))
        smallest = np.inf
        for penalty in progress(INVERSE_PENALTIES, "penalties of the logistic regression", len(INVERSE_PENALTIES)):
            model = LogisticRegression(C=penalty, max_iter=1000).fit(train.kmers, train.labels)
            loss = log_loss(validation.labels, self._probabilities(model, validation), everything)[0]
            logger.info("C = %g: validation log loss %.4g", penalty, loss)
            if loss < smallest:
                smallest, self.model = loss, model
        return self

    def predict(self, sequences: Sequences) -> np.ndarray:
        return self._probabilities(self.model, sequences)

    def _probabilities(self, model: LogisticRegression, sequences: Sequences) -> np.ndarray:
        # A class that is not in the training split has probability 0.
        probabilities = np.zeros((len(sequences), self.n_classes))
        if len(sequences):
            probabilities[:, model.classes_] = model.predict_proba(sequences.kmers)
        return probabilities
