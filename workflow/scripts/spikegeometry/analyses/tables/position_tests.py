"""Is more attention paid to the positions that define a class than to others like them?

A position is a slot of the reference: the place of a k-mer in the order of its tokens. It defines a class where it
covers a mutation that `spikegeometry.genomes.definitions` says defines it. A position that mutates holds rare k-mers,
and attention may follow rarity, not meaning; so it is compared with positions of the same domain that are as variable
and whose k-mers are as rare, as the training split has them in the projected form, in which no indel shifts a slot. And
attention may go wherever classes differ, whichever they are; so it is compared with positions that define other
classes.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from scipy import stats

from spikegeometry.analyses.tables.token_evidence import encoder_of, slot_tokens
from spikegeometry.dataset.domains import token_places
from spikegeometry.dataset.reading import sample_spikes, split_members
from spikegeometry.dataset.vocabulary import PAD, UNK
from spikegeometry.stats.intervals import bootstrap_weights
from spikegeometry.streams import Stream

# What the defining positions are compared with: all others of their domains, those of them that are most like them, or
# those of the gene that define only other classes.
DOMAIN, ALIKE, ELSEWHERE = "domain", "alike", "elsewhere"
# Sums that differ by less are equal.
TIE = 1e-9
STATISTICS = ["attention", "expected", "log2_enrichment", "p_position", "q_position"]
PLACES = ["layer", "head", "variant"]


def training_spikes(spikes: str | os.PathLike, splits: str | os.PathLike, most: int, seed: int) -> pd.DataFrame:
    """class and projected of the spikes of the training split, equal ones of a class once, as `sample_spikes` takes."""
    sampled = sample_spikes(spikes, ["class", "projected"], most, seed, split_members(splits, "train"))
    return sampled.drop_duplicates(ignore_index=True)


def position_table(
    spikes: pd.DataFrame,
    reference: str,
    domains: pd.DataFrame,
    classes: list[str],
    sites: dict[str, tuple[np.ndarray, np.ndarray]],
    k: int,
    stride: int,
) -> pd.DataFrame:
    """Each position for each of `classes`: whether it defines the class, how variable it is, and how rare its k-mers.

    `spikes`: class and projected of the training sequences of all classes, `reference`: their gene; `domains` as from
    `spikegeometry.dataset.domains.read_domains`; `sites`: of each class, which positions define it, and which only
    others; a class that it lacks is defined by none. A class without training sequences has no rows.
    Columns: class, token (1-based), first_residue, last_residue, domain (the one that holds most of the k-mer, empty
    where none holds any), entropy (bits, of the k-mers of all classes, each class with the same weight), defining and
    elsewhere (from `sites`), differing (share of the class's sequences whose k-mer is not the reference's), and
    surprisal (bits: the mean over the k-mers of the class of -log2 of their share over all classes). Unknown k-mers do
    not count.
    """
    texts = [reference, *spikes["projected"]]
    tokens = slot_tokens(encoder_of(texts, k, stride), texts)
    own, tokens = tokens[0], tokens[1:]
    names, members = np.unique(spikes["class"], return_inverse=True)
    known = (tokens != UNK) & (tokens != PAD)
    entropy, surprisal = np.zeros(len(own)), np.full((len(names), len(own)), np.nan)
    differing = surprisal.copy()
    for slot in range(len(own)):
        rows = known[:, slot]
        kmers, kmer = np.unique(tokens[rows, slot], return_inverse=True)
        counts = np.zeros((len(names), len(kmers)))
        np.add.at(counts, (members[rows], kmer), 1)
        seen = counts.sum(axis=1) > 0
        shares = counts[seen] / counts[seen].sum(axis=1, keepdims=True)
        information = -np.log2(shares.mean(axis=0))
        entropy[slot] = (shares.mean(axis=0) * information).sum()
        surprisal[seen, slot] = shares @ information
        differing[seen, slot] = shares[:, kmers != own[slot]].sum(axis=1)
    places = token_places(domains, len(own), k, stride).assign(entropy=entropy)
    tables = []
    for row, name in enumerate(names):
        if name in classes:
            defining, elsewhere = sites.get(name, (False, False))
            own_shares = {"differing": differing[row], "surprisal": surprisal[row]}
            tables.append(places.assign(**{"class": name}, defining=defining, elsewhere=elsewhere, **own_shares))
    return pd.concat(tables, ignore_index=True)


def place_table(layers: list[int], variants: Sequence[str], heads: list[int]) -> pd.DataFrame:
    """Every layer, and in it every variant, and in it every head, as PLACES."""
    rows = pd.MultiIndex.from_product([layers, variants, heads], names=["layer", "variant", "head"])
    return rows.to_frame(index=False)


def position_tests(
    positions: pd.DataFrame,
    profiles: dict[str, np.ndarray],
    places: pd.DataFrame,
    matches: int,
    permutations: int,
    samples: int,
    confidence: float,
    seed: int,
) -> pd.DataFrame:
    """Attention at the defining positions of each class against that at random others.

    `positions` from `position_table`; `profiles`: for each class, what every slot receives in units of an even share,
    (sequences, P, slots), NaN where a sequence has no k-mer there; `places` (P rows): their PLACES.

    A run of defining positions side by side is drawn as a whole: each time, from windows of its length without a
    defining position: from all of its domain (against: `domain`), from those of its domain, as many as `matches`, whose
    mean entropy and surprisal are nearest (`alike`), or from all of the gene that define other classes (`elsewhere`).
    Runs without such a window are left out. Under the null a run is a window like those, so it is among those drawn.
    Statistics of each place: attention, expected (mean over the windows, the runs left out), log2_enrichment with the
    bootstrap interval over sequences (none for one), p_position (share of the draws, what is seen included, with as
    much attention), and q_position (Benjamini and Hochberg, over the places of a class and variant). And of each class,
    without place: positions, runs and runs_tested (numbers), and entropy and surprisal at the positions beside
    entropy_expected and surprisal_expected in the windows. n is the number of sequences. A class without a row in
    `positions` has none here.
    """
    tables = []
    for number, (name, several) in enumerate(profiles.items()):
        own = positions[positions["class"] == name].sort_values("token", ignore_index=True)
        if not len(own):
            continue
        seen = np.isfinite(several).any(axis=(0, 1))
        for against in (DOMAIN, ALIKE, ELSEWHERE):
            labels = {"class": name, "against": against, "n": len(several)}
            runs = matched_windows(own, seen, against, matches)
            matched = [run for run in runs if len(run.starts)]
            numbers = {"positions": own["defining"].sum(), "runs": len(runs), "runs_tested": len(matched)}
            if matched:
                at, instead = _weights(matched, len(seen))
                for covariate in ("entropy", "surprisal"):
                    values = own[covariate].fillna(0).to_numpy()
                    numbers |= {covariate: values @ at, f"{covariate}_expected": values @ instead}
                generator = np.random.default_rng([seed, Stream.POSITION_WINDOWS, number])
                wide = places.assign(**_tests(several, matched, permutations, generator))
                low, high = _bounds(several, at, instead, samples, confidence, seed)
                wide["q_position"] = wide.groupby("variant")["p_position"].transform(stats.false_discovery_control)
                table = wide.melt(
                    PLACES, ["attention", "expected", "log2_enrichment", "p_position", "q_position"], "statistic"
                )
                enrichment = table["statistic"] == "log2_enrichment"
                table.loc[enrichment, "low"], table.loc[enrichment, "high"] = low, high
                tables.append(table.assign(**labels))
            tables.append(pd.DataFrame({"statistic": numbers.keys(), "value": numbers.values()}).assign(**labels))
    columns = ["class", "against", *PLACES, "statistic", "value", "n", "low", "high"]
    return pd.concat(tables, ignore_index=True).reindex(columns=columns).dropna(subset="value")


def mean_profiles(profiles: dict[str, np.ndarray], places: pd.DataFrame) -> pd.DataFrame:
    """What each slot receives averaged over sequences, layers and heads: class, variant, token, value, n."""
    tables = []
    for name, several in profiles.items():
        for variant, rows in places.groupby("variant", sort=False).groups.items():
            own = several[:, rows]
            known = np.isfinite(own)
            with np.errstate(invalid="ignore"):
                value = np.where(known, own, 0).sum(axis=(0, 1)) / known.sum(axis=(0, 1))
            label = {"class": name, "variant": variant, "token": np.arange(1, own.shape[-1] + 1)}
            tables.append(pd.DataFrame(label | {"value": value, "n": known.any(axis=1).sum(axis=0)}))
    return pd.concat(tables, ignore_index=True)


@dataclass(frozen=True)
class Run:
    """Defining positions side by side in one domain, and where windows as long start that may stand for them."""

    start: int
    length: int
    starts: np.ndarray


def matched_windows(positions: pd.DataFrame, seen: np.ndarray, against: str, matches: int) -> list[Run]:
    """The runs of defining positions of a class, each with the windows that it is held `against`.

    `positions`: the rows of one class of `position_table`, in order; only those `seen` (slots,) count. For ALIKE, only
    the windows, as many as `matches`, whose mean entropy and surprisal are nearest to the run's, both in bits.
    """
    defining = positions["defining"].to_numpy() & seen
    domain = positions["domain"].to_numpy()
    covariates = positions[["entropy", "surprisal"]].fillna(0).to_numpy()
    new = np.append(True, (domain[1:] != domain[:-1]) | (defining[1:] != defining[:-1]))
    borders = np.append(np.flatnonzero(new), len(domain))
    runs = []
    for start, end in pairwise(borders):
        if not defining[start]:
            continue
        length = end - start
        near = positions["elsewhere"].to_numpy() if against == ELSEWHERE else domain == domain[start]
        inside = near & ~defining & seen
        starts = np.flatnonzero(sliding_window_view(inside, length).all(axis=1))
        if against == ALIKE:
            means = sliding_window_view(covariates, length, axis=0).mean(axis=-1)
            distance = np.linalg.norm(means[starts] - means[start], axis=1)
            starts = starts[np.argsort(distance, kind="stable")[:matches]]
        runs.append(Run(start, length, starts))
    return runs


def _weights(runs: list[Run], slots: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights (slots,), each of sum 1, by which the mean over the runs is taken, and that over their windows."""
    at, instead = np.zeros(slots), np.zeros(slots)
    for run in runs:
        at[run.start : run.start + run.length] += 1
        for start in run.starts:
            instead[start : start + run.length] += 1 / len(run.starts)
    return at / at.sum(), instead / instead.sum()


def _tests(several: np.ndarray, runs: list[Run], draws: int, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """attention, expected, log2_enrichment and p_position, each (P,), of the mean of profiles (sequences, P, slots)."""
    known = np.isfinite(several)
    mean = np.where(known, several, 0).sum(axis=0) / known.sum(axis=0).clip(min=1)
    sums = np.pad(mean.cumsum(axis=1), ((0, 0), (1, 0)))
    number = sum(run.length for run in runs)
    attention, drawn, expected = np.zeros(len(mean)), np.zeros((len(mean), draws)), np.zeros(len(mean))
    for run in runs:
        windows = (sums[:, run.length :] - sums[:, : -run.length]) / number
        attention += windows[:, run.start]
        drawn += windows[:, generator.choice([run.start, *run.starts], draws)]
        expected += windows[:, run.starts].mean(axis=1)
    as_much = (drawn >= attention[:, None] * (1 - TIE) - TIE).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        enrichment = np.log2(attention / expected)
    return {
        "attention": attention,
        "expected": expected,
        "log2_enrichment": enrichment,
        "p_position": (1 + as_much) / (1 + draws),
    }


def _bounds(several: np.ndarray, at: np.ndarray, instead: np.ndarray, samples: int, confidence: float, seed: int):
    """Percentile interval of log2_enrichment, (P,) each bound, where sequences are drawn.

    NaN for one sequence, and where some draws have no attention at all.
    """
    bounds = np.full((2, several.shape[1]), np.nan)
    if len(several) < 2:
        return bounds
    known = np.isfinite(several)
    filled = np.where(known, several, 0)
    of_each = [filled @ weights / np.maximum(known @ weights, np.finfo(float).tiny) for weights in (at, instead)]
    weights = np.concatenate(list(bootstrap_weights(np.arange(len(several)), samples, seed)))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.log2((weights @ of_each[0]) / (weights @ of_each[1]))
    defined = np.isfinite(ratios).all(axis=0)
    bounds[:, defined] = np.quantile(ratios[:, defined], [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return bounds
