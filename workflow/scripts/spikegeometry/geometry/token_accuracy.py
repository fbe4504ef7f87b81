"""Which hidden k-mers a masked model gets right (Tzach et al. 2025, arXiv 2509.03407).

K-mers go by their ids, and arrays (K,) have a place for each id of the vocabulary. The accuracy of a k-mer (APT) is the
share of its hidden occurrences that are read right. Where sequences hardly differ, most is right that names the
majority k-mer of each slot without reading anything, so that every accuracy stands beside this one, and is taken again
where the sequence differs from the majority.

Statistics take weights (B, n) of the n sequences, as resampling does, and are arrays (B,).
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from spikegeometry.geometry.ranks import rank_correlation
from spikegeometry.geometry.token_matches import read_often


@dataclass(frozen=True)
class Reading:
    """m hidden k-mers of n sequences, and what R readers take them for; the last reader names the majority k-mer."""

    n: int
    rows: np.ndarray  # (m,) number of the sequence
    tokens: np.ndarray  # (m,) the k-mer that was there
    read: np.ndarray  # (m, R) the k-mers that are read

    @property
    def correct(self) -> np.ndarray:
        return self.read == self.tokens[:, None]

    @property
    def conforming(self) -> np.ndarray:
        """Where (m, R) the majority k-mer of the slot is read."""
        return self.read == self.read[:, -1:]

    @property
    def differing(self) -> "Reading":
        """Those where the sequence differs from the majority."""
        return self.where(self.read[:, -1] != self.tokens)

    def where(self, chosen: np.ndarray) -> "Reading":
        """Those that `chosen` (m,), true or false, picks."""
        return Reading(self.n, self.rows[chosen], self.tokens[chosen], self.read[chosen])


def slot_majorities(tokens: np.ndarray, slots: np.ndarray, counts: np.ndarray, first: int, width: int) -> np.ndarray:
    """The most frequent k-mer (width,) at each of the first slots, the first cell of equals; -1 where none is.

    Token `tokens[i]` stands `counts[i]` times at slot `slots[i]`, (cells,) each. K-mers are tokens from `first` on;
    what is below (special tokens) is left out.
    """
    order = np.argsort(-counts, kind="stable")[::-1]
    order = order[(tokens[order] >= first) & (slots[order] < width)]
    majorities = np.full(width, -1)
    majorities[slots[order]] = tokens[order]
    return majorities


def token_shares(reading: Reading, names: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """APT (R, B, k) of the k-mers `names` (k,), in order; NaN where a weighting has none of a k-mer."""
    chosen = np.isin(reading.tokens, names)
    cells = (reading.rows[chosen], np.searchsorted(names, reading.tokens[chosen]))
    shape = (reading.n, len(names))

    def sums(values):
        return weights @ sparse.csr_array((values.astype(float), cells), shape=shape)

    counts = sums(np.ones(chosen.sum()))
    return np.stack([_ratio(sums(of_reader[chosen]), counts) for of_reader in reading.correct.T])


def token_counts(reading: Reading, size: int) -> tuple[np.ndarray, np.ndarray]:
    """How often each k-mer was hidden (K,), and read right by each reader (R, K)."""
    hits = [np.bincount(reading.tokens, of_reader, minlength=size) for of_reader in reading.correct.T]
    return np.bincount(reading.tokens, minlength=size), np.stack(hits)


def input_accuracies(reading: Reading, reader: int, ids: np.ndarray, least: int, size: int) -> np.ndarray:
    """Mean APT (n,) of the k-mers of sequences (n, slots), of those hidden at least `least` times; NaN for none."""
    names = read_often(reading.tokens, least)
    of_tokens = np.full(size, np.nan)
    of_tokens[names] = token_shares(reading, names, np.ones((1, reading.n)))[reader, 0]
    return _mean(of_tokens[ids])


def micro_shares(reading: Reading, found: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Share (R, B) of all hidden k-mers for which `found` (m, R) is true."""
    counts = weights @ np.bincount(reading.rows, minlength=reading.n)
    sums = [weights @ np.bincount(reading.rows, of_reader, minlength=reading.n) for of_reader in found.T]
    return _ratio(np.stack(sums), counts)


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    denominator = np.broadcast_to(denominator, numerator.shape)
    return np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0)


def scores(
    reading: Reading,
    weights: np.ndarray,
    frequencies: np.ndarray,
    is_majority: np.ndarray,
    least: int,
    frequent: int,
) -> dict[str, np.ndarray]:
    """Scores (R, B) of every reader, by name.

    micro: share of the hidden k-mers read right; conforming: share for which the majority k-mer of the slot is read;
    apt: mean of the k-mers' accuracies, over those hidden at least `least` times; apt_frequent: over those of them that
    are among the `frequent` most frequent of the training split; ..._gain: less what the majority k-mer of each slot
    gives; ..._differing: where the sequence differs from it. frequency_correlation: Spearman's, of a k-mer's accuracy
    and its count in training, `frequencies` (K,); also among the k-mers that are the majority of some slot,
    `is_majority` (K,), and among the others.
    """
    names = read_often(reading.tokens, least)
    of_tokens = token_shares(reading, names, weights)
    differing = reading.differing
    of_differing = token_shares(differing, read_often(differing.tokens, least), weights)
    # Of k-mers that are equally frequent, all are taken or none.
    threshold = np.sort(frequencies)[-min(frequent, len(frequencies))]
    found = {
        "micro": micro_shares(reading, reading.correct, weights),
        "apt": _mean(of_tokens),
        "micro_differing": micro_shares(differing, differing.correct, weights),
        "conforming": micro_shares(reading, reading.conforming, weights),
        "conforming_differing": micro_shares(differing, differing.conforming, weights),
        "apt_differing": _mean(of_differing),
        "apt_frequent": _mean(of_tokens[..., frequencies[names] >= threshold]),
    }
    found |= {f"{name}_gain": found[name] - found[name][-1] for name in ("micro", "apt")}
    for name, chosen in _correlated(names, is_majority).items():
        found[name] = rank_correlation(of_tokens[..., chosen], frequencies[names[chosen]])
    return found


def correlated_kmers(reading: Reading, is_majority: np.ndarray, least: int) -> dict[str, int]:
    """How many k-mers each correlation of `scores` is over, by its name."""
    groups = _correlated(read_often(reading.tokens, least), is_majority)
    return {name: int(chosen.sum()) for name, chosen in groups.items()}


def _correlated(names: np.ndarray, is_majority: np.ndarray) -> dict[str, np.ndarray]:
    """Which of the k-mers `names` (k,) each correlation with frequency is over."""
    groups = {"": np.ones(len(names), dtype=bool), "_majority": is_majority[names], "_others": ~is_majority[names]}
    return {f"frequency_correlation{name}": chosen for name, chosen in groups.items()}


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis of what is not NaN."""
    return _ratio(np.nansum(values, axis=-1), np.isfinite(values).sum(axis=-1))


def line(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> dict[tuple[str], np.ndarray]:
    """Least-squares slope (B,) of the label's confidence y (n,) on the accuracy x (n,) of the input's tokens.

    Names: confidence_slope, and confidence_r2, the share of the variance of y that the line explains. NaN where x or y
    does not vary; sequences whose x is NaN are left out.
    """
    known = np.isfinite(x)
    x, y, weights = x[known], y[known], weights[:, known]
    total = weights.sum(axis=1)
    one, other = (values - _ratio(weights @ values, total)[:, None] for values in (x, y))
    xx, yy, xy = ((weights * product).sum(axis=1) for product in (one * one, other * other, one * other))
    return {("confidence_slope",): _ratio(xy, xx), ("confidence_r2",): _ratio(xy**2, xx * yy)}
