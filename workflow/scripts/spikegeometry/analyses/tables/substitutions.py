"""Substitutions of residues in a sequence: of which residues, in which sequences, by which codons."""

import logging
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from spikegeometry.dataset.encoding import Encoder, number_rows, open_split
from spikegeometry.dataset.kmers import covering_tokens
from spikegeometry.dataset.vocabulary import UNK
from spikegeometry.errors import InputError
from spikegeometry.model.substitution import Edit
from spikegeometry.sequences.codons import CODON, STOPS
from spikegeometry.sequences.substitutions import AMINO_ACIDS, changed_bases, nearest_codons
from spikegeometry.sequences.translation import translate

logger = logging.getLogger(__name__)

# Why a residue is measured.
NAMED, DEFINING, VARYING, SAMPLED = "named", "defining", "varying", "sampled"
# Why a residue of a sequence has no substitutions: the sequence lacks it, its bases are not all known, it ends the
# protein, or no whole k-mer covers it.
DELETED, UNKNOWN, STOP, OUTSIDE = "deleted", "unknown", "stop", "outside"


class Substitution(NamedTuple):
    """A residue (1-based) of a sequence with another codon.

    changes: bases that differ. unknown: how many of the k-mers that cover the codon are [UNK] then.
    """

    residue: int
    own: str
    amino_acid: str
    codon: str
    changes: int
    unknown: int
    edit: Edit


def defined_substitutions(named: pd.DataFrame) -> dict[tuple[int, str], list[str]]:
    """Classes that each substitution, a residue and an amino acid, defines; of `genomes.definitions.named_mutations`.

    Deletions, and what leaves the protein as it is, are no substitutions.
    """
    found: dict[tuple[int, str], list[str]] = {}
    rows = named[["class", "protein", "first_residue"]].drop_duplicates()
    for name, protein, residue in rows.itertuples(index=False):
        if match := re.fullmatch(rf"[{AMINO_ACIDS}]\d+([{AMINO_ACIDS}])", protein):
            found.setdefault((residue, match[1]), []).append(name)
    return found


def residue_variation(projected: Iterable[str], protein: str) -> np.ndarray:
    """Share of projected sequences with another residue than the `protein` of the reference, (residues,).

    Of those whose residue is known; 0 where none is.
    """
    differs, known = np.zeros(len(protein)), np.zeros(len(protein))
    own = np.frombuffer(protein.encode(), dtype=np.uint8)
    for sequence in projected:
        other = np.frombuffer(translate(sequence).encode(), dtype=np.uint8)
        is_known = other != ord("X")
        known += is_known
        differs += is_known & (other != own)
    return np.divide(differs, known, out=np.zeros(len(protein)), where=known > 0)


def chosen_residues(
    named: Sequence[int],
    most: int | None,
    defining: Iterable[int],
    variation: np.ndarray,
    generator: np.random.Generator,
    key: str,
) -> pd.DataFrame:
    """The residues that are measured, in order, and why: residue, reason.

    Those that are `named`, or else at most so many, all where `most` is None: those of `defining` substitutions, then,
    by halves of what is left, those that vary most (`variation`, of each residue) and a sample of the others.
    Raises InputError, naming the config key of the analysis, where the protein has no residue that is named.
    """
    residues = np.arange(1, len(variation) + 1)
    for residue in named:
        if residue not in residues:
            raise InputError(f"Config key {key}.residues: {residue} does not exist.\nThere are: 1 to {len(residues)}.")
    if named:
        return pd.DataFrame({"residue": sorted(named), "reason": NAMED})
    most = len(residues) if most is None else most
    own = sorted(set(defining) & set(residues.tolist()))
    if len(own) > most:
        logger.warning("%d of %d residues that define classes are measured: config key %s.", most, len(own), key)
    reasons = dict.fromkeys(own[:most], DEFINING)
    others = np.setdiff1d(residues, own)
    order = others[np.argsort(-variation[others - 1], kind="stable")]
    varying = order[variation[order - 1] > 0][: (most - len(reasons) + 1) // 2]
    reasons |= dict.fromkeys(varying.tolist(), VARYING)
    rest = np.setdiff1d(others, varying)
    sampled = generator.permutation(rest)[: most - len(reasons)]
    reasons |= dict.fromkeys(sampled.tolist(), SAMPLED)
    return pd.DataFrame(sorted(reasons.items()), columns=["residue", "reason"])


def representatives(test: str, classes: Sequence[str]) -> dict[str, tuple[str, int]]:
    """Accession of each class's most frequent sequence in an encoded split, and how often the class has it there.

    Of equals it is the one with the fewest unknown k-mers, then the first. Classes without a sequence have none.
    """
    table = open_split(test)
    rows = table.select(["accession", "class", "unknown"]).to_pandas().assign(input=number_rows(table))
    found = {}
    for name in classes:
        own = rows[rows["class"] == name]
        if own.empty:
            logger.warning("There is no test sequence of class %s: no residue of it is substituted.", name)
            continue
        own = own.assign(copies=own.groupby("input")["input"].transform("size"))
        best = own.sort_values(["copies", "unknown"], ascending=[False, True], kind="stable").iloc[0]
        found[name] = best["accession"], int(best["copies"])
    return found


def substitutions(
    symbols: np.ndarray, places: np.ndarray, residues: Sequence[int], encoder: Encoder
) -> tuple[list[Substitution], dict[int, str]]:
    """Each amino acid at each of the residues of a sequence, its own among them, and why residues have none.

    `symbols` are the sequence's, `places` the 0-based bases of the gene under them (`geometry.placement`). The codon is
    one of `nearest_codons`: of these one of whose k-mers the fewest are unknown, the first in alphabetical order.
    """
    text = symbols.tobytes().decode("ascii")
    found, left_out = [], {}
    for residue in residues:
        bases = CODON * (residue - 1) + np.arange(CODON)
        at = np.flatnonzero(np.isin(places, bases))
        own = symbols[at].tobytes().decode("ascii")
        tokens = covering_tokens(at[0] + 1, at[-1] + 1, len(text), encoder.k, encoder.stride) if len(at) else range(0)
        if len(at) < CODON or "-" in own:
            left_out[residue] = DELETED
        elif not set(own) <= set("ACGT"):
            left_out[residue] = UNKNOWN
        elif own in STOPS:
            left_out[residue] = STOP
        elif not tokens:
            left_out[residue] = OUTSIDE
        else:
            found += _of_residue(text, residue, at, tokens, encoder)
    return found, left_out


def _of_residue(text: str, residue: int, at: np.ndarray, tokens: range, encoder: Encoder) -> list[Substitution]:
    start, end = encoder.stride * (tokens[0] - 1), encoder.stride * (tokens[-1] - 1) + encoder.k
    own = "".join(text[place] for place in at)
    candidates = [(acid, codon) for acid, codons in nearest_codons(own).items() for codon in codons]
    windows = []
    for _, codon in candidates:
        window = list(text[start:end])
        for place, base in zip(at, codon, strict=True):
            # A first or last codon may begin or end beside the k-mers.
            if start <= place < end:
                window[place - start] = base
        windows.append("".join(window))
    ids = encoder.encode(windows)[0].reshape(len(windows), -1)[:, 1:-1]
    unknown = (ids == UNK).sum(axis=1)
    best: dict[str, int] = {}
    for number, (acid, _) in enumerate(candidates):
        if acid not in best or unknown[number] < unknown[best[acid]]:
            best[acid] = number
    return [
        Substitution(
            residue,
            translate(own),
            acid,
            candidates[number][1],
            changed_bases(own, candidates[number][1]),
            int(unknown[number]),
            Edit(tuple(tokens), tuple(ids[number].tolist())),
        )
        for acid, number in best.items()
    ]
