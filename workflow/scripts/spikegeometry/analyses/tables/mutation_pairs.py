"""Pairs of sequences that differ by one mutation: a sequence of a class, and the same without what defines it."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from spikegeometry.analyses.tables.position_tests import ALIKE, matched_windows
from spikegeometry.dataset.kmers import kmer_count, token_residues
from spikegeometry.errors import InputError
from spikegeometry.geometry.placement import NOWHERE, ascii_codes, placed_sequences
from spikegeometry.geometry.selection import choose
from spikegeometry.sequences.mutations import all_in_protein

logger = logging.getLogger(__name__)

# In place of a second class: the gene without mutations.
REFERENCE = "reference"
# Why a sequence has no pair: it lacks the mutation, or the bases are not known; putting it back would shift what stands
# behind it.
ABSENT, SHIFTED = "absent", "shifted"
GAP = "-"


class MutationRun(NamedTuple):
    """Bases by which two classes differ, 0-based and in order, with the symbols that both have there.

    name: of the mutations in the protein. slots: k-mers of the gene that cover one of the bases, 0-based.
    """

    name: str
    bases: np.ndarray
    own: np.ndarray
    other: np.ndarray
    slots: np.ndarray


class Candidate(NamedTuple):
    """A sequence and a run of mutations: what is known of both, the sequence as it is and without the run, the tokens
    of matched slots (there may be none), and why there is no pair, or ""."""

    labels: dict[str, Any]
    clean: str
    corrupted: str
    matched: list[int]
    reason: str


def contrasts(pairs: Sequence[Sequence[str]], classes: Sequence[str], most: int, key: str) -> list[tuple[str, str]]:
    """Pairs of a class and what it is compared with, at most so many: those given, else each class and REFERENCE.

    Raises InputError, naming the config key of the analysis, where a class does not exist.
    """
    wanted = pairs or [(name, REFERENCE) for name in classes]
    for own, other in wanted:
        choose([own], classes, f"{key}.pairs")
        choose([other], [*classes, REFERENCE], f"{key}.pairs")
    if len(wanted) > most:
        logger.warning("%d of %d pairs are patched: config key %s.most_pairs.", most, len(wanted), key)
    return [(own, other) for own, other in wanted[:most]]


def check_named(named: Sequence[str], runs: Iterable[MutationRun], key: str) -> None:
    """Raise InputError, naming the config key, where a mutation that is named is in none of the runs."""
    names = list(dict.fromkeys(run.name for run in runs))
    for name in named:
        if not any(is_named(run, [name]) for run in names):
            raise InputError(f"Config key {key}: no pair differs by {name}.\nThere are: {'; '.join(names)}.")


def is_named(run: str, named: Sequence[str]) -> bool:
    """Whether the name of a run has one of the mutations."""
    return any(f" {name} " in f" {run} " for name in named)


def class_symbols(gene: str, mutations: pd.DataFrame) -> np.ndarray:
    """The gene with the mutations of a class (`genomes.definitions.in_gene`, without insertions) as ASCII codes."""
    symbols = ascii_codes(gene).copy()
    for one in mutations.itertuples():
        symbols[one.first - 1 : one.last] = ord(one.mutation[-1] if one.mutation[0] in "ACGT" else GAP)
    return symbols


def telling_runs(gene: str, own: pd.DataFrame, other: pd.DataFrame, k: int, stride: int) -> list[MutationRun]:
    """The runs of bases by which a class differs from another, each as long as its bases share k-mers.

    `own` and `other` are the mutations of both, as for `class_symbols`, of which the second may be none. A k-mer holds
    what it covers as one, so that mutations of one k-mer are put back together. A run has the names of its mutations;
    what the other class has instead stands behind `for`.
    """
    symbols, others = class_symbols(gene, own), class_symbols(gene, other)
    bases = np.flatnonzero(symbols != others)
    first = np.maximum(-(-(bases + 1 - k) // stride), 0)
    last = np.minimum(bases // stride, kmer_count(len(gene), k, stride) - 1)
    covered = first <= last
    bases, first, last = bases[covered], first[covered], last[covered]
    names = [
        dict(
            zip(table["mutation"], all_in_protein(table["mutation"], table["first"], table["last"], gene), strict=True)
        )
        for table in (own, other)
    ]
    runs = []
    for places in np.split(np.arange(len(bases)), np.flatnonzero(first[1:] > last[:-1]) + 1):
        if len(places):
            at = bases[places]
            texts = [_names(table, named, at) for table, named in zip((own, other), names, strict=True)]
            slots = np.arange(first[places[0]], last[places[-1]] + 1)
            name = " for ".join(filter(None, texts)) if texts[0] else f"for {texts[1]}"
            runs.append(MutationRun(name, at, symbols[at], others[at], slots))
    return runs


def _names(mutations: pd.DataFrame, names: dict[str, tuple[str, int, int]], bases: np.ndarray) -> str:
    """Names of the mutations that touch some of the bases (0-based), each once."""
    touched = [
        names[one.mutation][0]
        for one in mutations.itertuples()
        if ((bases >= one.first - 1) & (bases <= one.last - 1)).any()
    ]
    return " ".join(dict.fromkeys(touched))


def symbols_and_places(forms: pd.Series, coordinates: str) -> tuple[np.ndarray, np.ndarray]:
    """Symbols of a sequence (`spikes.summary.read_forms`) in its coordinates, and the base of the gene under each.

    A projected sequence has a symbol for each base. A native one has NOWHERE under inserted bases; both are empty where
    its indels do not lead from one form to the other.
    """
    if coordinates == "projected":
        symbols = ascii_codes(forms["projected"])
        return symbols, np.arange(len(symbols))
    return placed_sequences(forms["native"], forms["projected"], forms["indels"]).get(
        coordinates, (np.empty(0, np.uint8), np.empty(0, np.int64))
    )


def put_back(symbols: np.ndarray, places: np.ndarray, run: MutationRun, native: bool) -> tuple[str, str]:
    """A sequence of `symbols_and_places` with the other class's symbols in a run, and "" or why there is none."""
    if native and (ord(GAP) in run.own or ord(GAP) in run.other):
        return "", SHIFTED
    at = np.flatnonzero(np.isin(places, run.bases))
    if len(at) < len(run.bases) or (symbols[at] != run.own).any():
        return "", ABSENT
    changed = symbols.copy()
    changed[at] = run.other
    return changed.tobytes().decode("ascii"), ""


def matched_starts(positions: pd.DataFrame, run: MutationRun, defining: np.ndarray, matches: int) -> np.ndarray:
    """Where windows as long as the slots of a run start (0-based slots) that may stand for them.

    They lie in the domain of the run's first slots, hold none of the `defining` slots (n,) of either class, and are
    the nearest in variability and rarity, as many as `matches`. `positions`: the rows of the class in
    `position_tests.position_table`, in order; there are none without training sequences.
    """
    if positions.empty:
        return np.array([], dtype=int)
    own = np.zeros(len(positions), dtype=bool)
    own[run.slots] = True
    domain = positions["domain"].where(~own, positions["domain"].iloc[run.slots[0]])
    windows = matched_windows(positions.assign(defining=own, domain=domain), own | ~defining, ALIKE, matches)
    return windows[0].starts


def tokens_of_slots(slots: np.ndarray, places: np.ndarray, stride: int, length: int) -> list[int]:
    """Tokens (1-based) of a sequence of `length` tokens nearest to slots (0-based) of the gene, by `places`."""
    nearest = [np.abs(np.where(places == NOWHERE, -stride, places) - stride * slot).argmin() for slot in slots]
    return sorted({int(min(place / stride + 1.5, length - 2)) for place in nearest})


def candidates(
    labels: dict[str, Any],
    runs: Sequence[MutationRun],
    starts: Sequence[np.ndarray],
    sequences: pd.DataFrame,
    forms: pd.DataFrame,
    coordinates: str,
    k: int,
    stride: int,
    generator: np.random.Generator,
) -> list[Candidate]:
    """Every run with every sequence of a class.

    `labels` are those of the pair of classes; `starts`, of each run, from `matched_starts`, of which one is drawn for
    each sequence. `sequences`: accession and input; `forms` from `spikes.summary.read_forms`.
    """
    found = []
    for run, windows in zip(runs, starts, strict=True):
        first, last = run.slots[[0, -1]] + 1
        about = {"mutation": run.name, "first_residue": token_residues(first, k, stride)[0]}
        about |= {"last_residue": token_residues(last, k, stride)[1], "first_slot": first, "last_slot": last}
        for sequence in sequences.itertuples():
            symbols, places = symbols_and_places(forms.loc[sequence.accession], coordinates)
            corrupted, reason = put_back(symbols, places, run, coordinates == "native")
            matched = []
            if len(windows) and not reason:
                slots = generator.choice(windows) + np.arange(len(run.slots))
                matched = tokens_of_slots(slots, places, stride, kmer_count(len(symbols), k, stride) + 2)
            known = labels | about | {"sequence": sequence.accession, "input": sequence.input}
            found.append(Candidate(known, symbols.tobytes().decode("ascii"), corrupted, matched, reason))
    return found
