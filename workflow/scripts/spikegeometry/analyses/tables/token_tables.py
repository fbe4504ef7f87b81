"""Tables of the accuracy per token, and what pairs of k-mers that a model takes for one another have in common."""

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd

from spikegeometry.dataset.encoding import open_split, padded_ids, take_rows
from spikegeometry.dataset.packing import symbol_matrix
from spikegeometry.sequences.codons import CODON
from spikegeometry.sequences.translation import translate
from spikegeometry.stats.findings import Finding, Side
from spikegeometry.stats.intervals import rank_correlation_interval
from spikegeometry.stats.resampling import slope

SCORES = ["span", "targets", "reader", "block", "statistic", "value", "n", "low", "high"]
TOKENS = ["span", "targets", "subset", "reader", "block", "kmer", "slot", "majority", "frequency"]
TOKENS += ["n_target", "n_correct", "apt"]
CONFUSION = ["span", "block", "token", "read", "count"]
SEQUENCES = ["span", "class", "accession", "input", "correct", "confidence", "mean_apt"]
CLUSTERS = ["span", "block", "tau", "mutual", "statistic", "value", "n", "low", "high"]
MATCHES = ["span", "block", "tau", "mutual", "cluster", "size", "tokens"]
SOURCE = "Tzach et al. 2025, arXiv 2509.03407"
# Name and block of what reads hidden k-mers; the majority of a slot has no block.
Reader = tuple[str, int | None]
# Scores whose change from block to block is given.
TRENDS = ("micro", "apt", "micro_differing", "apt_differing")
# What counts as small: the largest cluster holds less than this share of the k-mers that can be in one.
SMALL_SHARE = 0.1
# What counts as independent: the line explains less than this share of the variance.
LITTLE_VARIANCE = 0.1
CLAIMS: dict[str, tuple[str, str, tuple[Side, float]]] = {
    "frequency_correlation": (
        "The accuracy of a token grows with its frequency.",
        "Spearman's correlation of a k-mer's accuracy and its count in training",
        ("above", 0.0),
    ),
    "apt_trend": (
        "The accuracy per token grows along the blocks.",
        "rise of the mean accuracy a block",
        ("above", 0.0),
    ),
    "confidence_r2": (
        "The confidence of the label is independent of the accuracy of the input's tokens.",
        "share of the variance of confidence that a line explains",
        ("below", LITTLE_VARIANCE),
    ),
}
CLUSTER_CLAIMS: dict[str, tuple[str, str, tuple[Side, float]]] = {
    "matched_share": (
        "Tokens that are taken for one another form clusters.",
        "share of the k-mers that are in a cluster",
        ("above", 0.0),
    ),
    "largest_share": (
        "These clusters are small and finite.",
        "share of the k-mers that are in the largest cluster",
        ("below", SMALL_SHARE),
    ),
}


def read_targets(targets: str, test: str) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Hidden k-mers and their readings, and the sequences that hold them.

    targets: Parquet of `masked_kmers`. test: the encoded split that they were hidden in. Returns the table, whose
    column `row` numbers the sequences from 0; the rows of the split that these are, (S,); and their token ids (S, n).
    """
    hidden = pd.read_parquet(targets)
    rows, hidden["row"] = np.unique(hidden["row"], return_inverse=True)
    return hidden, rows, padded_ids(take_rows(open_split(test), rows))


def by_reader(scores: dict[str, np.ndarray], readers: list[Reader]) -> dict[tuple, np.ndarray]:
    """Scores (R, B) as arrays (B,) by reader, block and name, and their trends.

    `<score>_trend` is the slope of a score over the blocks from 1 on: its change from block to block.
    """
    blocks = [at for at, (name, block) in enumerate(readers) if name == "block" and block]
    numbers = np.array([readers[at][1] for at in blocks], dtype=float)
    trends = {("block", None, f"{name}_trend"): slope(numbers, scores[name][blocks]) for name in TRENDS}
    return {(*reader, name): of[at] for name, of in scores.items() for at, reader in enumerate(readers)} | trends


def estimate_table(
    place: dict[str, Hashable], found: dict[tuple, tuple[float, float, float]], names: Sequence[str], n: int
) -> pd.DataFrame:
    """Rows of value, low and high from `found`, whose keys are values of the columns `names`, at one `place`."""
    rows = [(*key, value, n, low, high) for key, (value, low, high) in found.items()]
    return pd.DataFrame(rows, columns=[*names, "value", "n", "low", "high"]).assign(**place)


def score_table(
    place: dict[str, Hashable],
    found: dict[tuple, tuple[float, float, float]],
    n: int,
    kmers: dict[str, int],
    confidence: float,
) -> pd.DataFrame:
    """`estimate_table` of scores by reader, block and name, of `n` sequences.

    What is a correlation over k-mers, and not over sequences, has the interval over k-mers; `kmers` says how many.
    """
    of_kmers = {key: found[key][0] for key in found if key[-1] in kmers}
    names = ["reader", "block", "statistic"]
    over_sequences = {key: of for key, of in found.items() if key not in of_kmers}
    parts = [estimate_table(place, over_sequences, names, n)]
    for key, value in of_kmers.items():
        size = kmers[key[-1]]
        bounds = rank_correlation_interval(value, size, confidence)
        parts.append(estimate_table(place, {key: (value, *bounds)}, names, size))
    return pd.concat(parts, ignore_index=True)


def pair_statistics(kmers: Sequence[str], slots: np.ndarray, stride: int, pairs: np.ndarray) -> dict[str, float]:
    """What `pairs` (p, 2) of ids of k-mers have in common, in the mean; NaN where there is no pair.

    pairs: their number; hamming: symbols that differ; codons: whole codons that do; synonymous: share whose whole
    codons are known and translate alike; same_slot: share that stands at one slot. `slots` (K,) are 1-based; the first
    base of the gene begins a codon.
    """
    if not len(pairs):
        return {"pairs": 0.0} | dict.fromkeys(("hamming", "codons", "synonymous", "same_slot"), np.nan)
    first, second = pairs.T
    symbols = symbol_matrix(kmers)
    differ = symbols[first] != symbols[second]
    codons, alike = np.zeros(len(pairs)), np.zeros(len(pairs), dtype=bool)
    # Symbols before the first whole codon of the slot.
    skipped = -stride * (slots[first] - 1) % CODON
    for skip in np.unique(skipped):
        of_frame = skipped == skip
        whole = (len(kmers[first[0]]) - skip) // CODON * CODON
        codons[of_frame] = (
            differ[of_frame, skip : skip + whole].reshape(-1, whole // CODON, CODON).any(axis=2).sum(axis=1)
        )
        proteins = [[translate(kmers[number][skip:]) for number in numbers[of_frame]] for numbers in (first, second)]
        alike[of_frame] = [one == other and "X" not in one for one, other in zip(*proteins, strict=True)]
    return {
        "pairs": float(len(pairs)),
        "hamming": differ.sum(axis=1).mean(),
        "codons": codons.mean(),
        "synonymous": alike.mean(),
        "same_slot": (slots[first] == slots[second]).mean(),
    }


def pairs_within(groups: np.ndarray) -> np.ndarray:
    """Pairs (p, 2) of numbers of members of one group (K,); -1 is none."""
    pairs = [np.empty((0, 2), dtype=int)]
    for group in np.unique(groups[groups >= 0]):
        members = np.flatnonzero(groups == group)
        one, other = np.triu_indices(len(members), 1)
        pairs.append(np.stack([members[one], members[other]], axis=1))
    return np.concatenate(pairs)


def token_table(tokens: pd.DataFrame, counts: np.ndarray, hits: np.ndarray, readers: list[Reader]) -> pd.DataFrame:
    """A row for each reader and hidden k-mer: the columns of `tokens` (K), reader, block, n_target, n_correct, apt.

    `counts` (K,) and `hits` (R, K) say how often each was hidden, and read right.
    """
    hidden = np.flatnonzero(counts)
    known = tokens.iloc[hidden].assign(n_target=counts[hidden])
    of_readers = [
        known.assign(reader=reader, block=block, n_correct=of_reader[hidden].astype(int))
        for (reader, block), of_reader in zip(readers, hits, strict=True)
    ]
    return stacked(of_readers, [*known, "reader", "block", "n_correct"]).assign(
        apt=lambda table: table["n_correct"] / table["n_target"]
    )


def match_table(clusters: np.ndarray, kmers: Sequence[str]) -> pd.DataFrame:
    """Clusters (K,) of two or more k-mers, the largest first: cluster, size, tokens (joined by commas)."""
    members = pd.Series(np.asarray(kmers, dtype=object)).groupby(clusters).agg(["size", ",".join])
    members = members[(members.index >= 0) & (members["size"] > 1)].sort_values("size", ascending=False, kind="stable")
    names = {"size": "size", "join": "tokens"}
    return members.rename(columns=names).reset_index(drop=True).rename_axis("cluster").reset_index()


def confusion_table(targets: pd.DataFrame, column: str, kmers: Sequence[str]) -> pd.DataFrame:
    """How often each k-mer (`token` of `targets`) was read as each (in `column`): token, read, count."""
    counts = targets.groupby(["token", column]).size().rename("count").reset_index()
    names = np.asarray(kmers, dtype=object)
    return counts.assign(token=names[counts["token"]], read=names[counts[column]])[["token", "read", "count"]]


def stacked(tables: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    """The tables below one another, with these columns; none gives an empty table."""
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def findings(table: pd.DataFrame, clusters: pd.DataFrame, taus: Sequence[float]) -> list[Finding]:
    """The claims of the source, for each kind of mask, on masked k-mers after the last block.

    Clusters are those of the largest of `taus`.
    """
    masked = table[(table["targets"] == "masked") & (table["reader"] == "block")]
    last, tau = masked["block"].max(), max(taus)
    found = []
    for span in masked["span"].unique():
        where = f", spans of {span} masked"
        of_span = masked[masked["span"] == span]
        for name, (claim, statistic, criterion) in CLAIMS.items():
            rows = of_span[(of_span["statistic"] == name) & (of_span["block"].isna() | (of_span["block"] == last))]
            found += [_finding(claim, statistic + where, row, criterion) for _, row in rows.iterrows()]
        of_clusters = clusters[(clusters[["span", "block"]] == [span, last]).all(axis=1)]
        of_clusters = of_clusters[(of_clusters["tau"] == tau) & ~of_clusters["mutual"].astype(bool)]
        for name, (claim, statistic, criterion) in CLUSTER_CLAIMS.items():
            rows = of_clusters[of_clusters["statistic"] == name]
            found += [_finding(claim, f"{statistic}, tau {tau:g}{where}", row, criterion) for _, row in rows.iterrows()]
    return found


def _finding(claim: str, statistic: str, row: pd.Series, criterion: tuple[Side, float]) -> Finding:
    return Finding(SOURCE, claim, statistic, row["value"], row["low"], row["high"], row["n"], *criterion)
