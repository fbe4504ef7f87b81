"""What tokens in their slots say about the class, and whether a classifier goes by substitutions or by shifts.

The classifier is trained on sequences as they are, and then shown versions of the test sequences from which either the
indels or the substitutions were taken out. What it still gets right, it can tell by the other alone.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import sparse

from spikegeometry.dataset.encoding import Encoder
from spikegeometry.dataset.vocabulary import PAD, SPECIAL_TOKENS, UNK, count_kmers
from spikegeometry.evaluation.baselines import KmerLogistic, Sequences
from spikegeometry.stats.intervals import wilson_interval
from spikegeometry.stats.summaries import ALL_CLASSES
from spikegeometry.streams import Stream

AS_IS = "as_is"
# The first is trained on, the second chooses the penalty.
LEARNT = ("train", "validation")


def sample_rows(spikes: pd.DataFrame, each: int, seed: int) -> pd.DataFrame:
    """At most `each` spikes of every split and class, a seeded sample, in their order."""
    order = np.random.default_rng([seed, Stream.EVIDENCE_SAMPLE]).permutation(len(spikes))
    return spikes.iloc[order].groupby(["split", "class"], sort=False).head(each).sort_index()


def encoder_of(sequences: list[str], k: int, stride: int) -> Encoder:
    """An encoder whose vocabulary is the k-mers of `sequences`, without ambiguous ones."""
    kmers = count_kmers([sequences], k, stride, ambiguous="unknown")["kmer"]
    return Encoder([*SPECIAL_TOKENS, *sorted(kmers)], stride)


def slot_tokens(encoder: Encoder, sequences: list[str]) -> np.ndarray:
    """Token id of each slot, int64 (n, slots of the longest), without [CLS] and [SEP]; [PAD] past the end."""
    ids, lengths, _ = encoder.encode(sequences)
    slot = np.arange(lengths.max(initial=2))
    tokens = np.full((len(sequences), len(slot)), PAD, dtype=np.int64)
    tokens[slot < lengths[:, None]] = ids
    return np.where(slot < lengths[:, None] - 1, tokens, PAD)[:, 1:-1]


def mutual_information(tokens: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Information (slots,), in bits, that the token of each slot alone gives about the class: 0 to log2(classes).

    `tokens` (n, slots) and `labels` (n,) are integers >= 0. Classes are equally weighted, whatever their numbers of
    sequences. It is the information of the observed shares, too high where n is small: compare `chance_information`.
    """
    n, slots = tokens.shape
    label = np.unique(labels, return_inverse=True)[1]
    sizes = np.bincount(label)
    weights = np.repeat(1 / (len(sizes) * sizes[label]), slots)
    slot = np.tile(np.arange(slots), n)
    token = np.unique(tokens.ravel() * slots + slot, return_inverse=True)[1]
    pairs, first, pair = np.unique(token * len(sizes) + np.repeat(label, slots), return_index=True, return_inverse=True)
    of_tokens, of_pairs = np.bincount(token, weights), np.bincount(pair, weights)
    terms = of_pairs * np.log2(of_pairs * len(sizes) / of_tokens[pairs // len(sizes)])
    return np.bincount(slot[first], terms, minlength=slots).clip(min=0)


def chance_information(tokens: np.ndarray, labels: np.ndarray, shuffles: int, seed: int) -> np.ndarray:
    """Mean of `mutual_information` (slots,) over random orders of the labels."""
    generator = np.random.default_rng([seed, Stream.CLASS_SHUFFLES])
    return np.mean([mutual_information(tokens, generator.permutation(labels)) for _ in range(shuffles)], axis=0)


class SlotLogistic:
    """`KmerLogistic` on which k-mer stands in which slot; a k-mer not trained on in that slot says nothing."""

    def __init__(self, k: int, stride: int):
        self.k, self.stride = k, stride

    def fit(self, train: tuple[list[str], np.ndarray], validation: tuple[list[str], np.ndarray], n_classes: int):
        """Fit on sequences and their labels; those of the validation split choose the penalty."""
        self._encoder = encoder_of(train[0], self.k, self.stride)
        numbers, known = self._numbered(train[0])
        self._columns = np.unique(numbers[known])
        self._model = KmerLogistic().fit(self._read(*train), self._read(*validation), n_classes)
        return self

    def predict(self, sequences: list[str]) -> np.ndarray:
        """The most probable label of each sequence, int64 (n,)."""
        return self._model.predict(self._read(sequences, np.full(len(sequences), -1))).argmax(axis=1)

    def _numbered(self, sequences: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """A number for each token in its slot (n, slots), whatever the longest sequence, and whether it is known."""
        tokens = slot_tokens(self._encoder, sequences)
        slot = np.arange(tokens.shape[1])
        return (slot << 32) + tokens, (tokens != PAD) & (tokens != UNK)

    def _read(self, sequences: list[str], labels: np.ndarray) -> Sequences:
        numbers, known = self._numbered(sequences)
        column = np.searchsorted(self._columns, numbers).clip(max=len(self._columns) - 1)
        known &= self._columns[column] == numbers
        cells = (np.ones(known.sum()), (np.nonzero(known)[0], column[known]))
        kmers = sparse.csr_array(cells, shape=(len(sequences), len(self._columns)))
        return Sequences(pd.DataFrame({"label": labels}), kmers)


def slot_information(versions: pd.DataFrame, k: int, stride: int, shuffles: int, seed: int) -> pd.DataFrame:
    """What every slot tells of the class, in each version of the training sequences, beside that of shuffled labels.

    `versions`: split, class, coordinates, version, text. Columns: set, class, coordinates, version, token (1-based),
    statistic (information, information_chance; in bits), value, n.
    """
    parts = []
    trained = versions[versions["split"] == "train"]
    for (coordinates, version), rows in trained.groupby(["coordinates", "version"], sort=False):
        texts, labels = rows["text"].tolist(), pd.factorize(rows["class"])[0]
        tokens = slot_tokens(encoder_of(texts, k, stride), texts)
        place = {"set": "train", "class": ALL_CLASSES, "coordinates": coordinates, "version": version}
        place["token"] = np.arange(1, tokens.shape[1] + 1)
        for statistic, value in (
            ("information", mutual_information(tokens, labels)),
            ("information_chance", chance_information(tokens, labels, shuffles, seed)),
        ):
            parts.append(pd.DataFrame(place | {"statistic": statistic, "value": value, "n": len(labels)}))
    return pd.concat(parts, ignore_index=True)


def version_calls(versions: pd.DataFrame, classes: Sequence[str], k: int, stride: int) -> pd.DataFrame:
    """What `SlotLogistic`, trained on native and on projected sequences as they are, calls each version of the others.

    `versions`: split, class, coordinates, version, text. Columns: set (the split), class, coordinates, version, right.
    """
    label = {name: number for number, name in enumerate(classes)}
    parts = []
    for _, rows in versions.groupby("coordinates", sort=False):
        learnt = rows[rows["version"] == AS_IS]
        train, validation = (
            (several["text"].tolist(), several["class"].map(label).to_numpy())
            for several in (learnt[learnt["split"] == split] for split in LEARNT)
        )
        model = SlotLogistic(k, stride).fit(train, validation, len(classes))
        others = rows[~rows["split"].isin(LEARNT)]
        right = model.predict(others["text"].tolist()) == others["class"].map(label)
        parts.append(others[["split", "class", "coordinates", "version"]].assign(right=right))
    return pd.concat(parts, ignore_index=True).rename(columns={"split": "set"})


def accuracy_table(calls: pd.DataFrame, classes: list[str], places: list[str], confidence: float) -> pd.DataFrame:
    """Share of right calls of each of `classes`, and of all of these, at each place, with Wilson's interval."""
    rows = []
    for name in [*classes, ALL_CLASSES]:
        own = calls[calls["class"].isin(classes if name == ALL_CLASSES else [name])]
        for place, right in own.groupby(places, sort=False)["right"]:
            bounds = wilson_interval(right.mean(), len(right), confidence)
            rows.append((name, *place, "accuracy", right.mean(), len(right), *bounds))
    return pd.DataFrame(rows, columns=["class", *places, "statistic", "value", "n", "low", "high"])
