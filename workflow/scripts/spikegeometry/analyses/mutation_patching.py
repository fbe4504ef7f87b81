"""Where the classifier reads the mutations that define a class, and where it writes them into [CLS].

A pair of sequences is a test sequence of the class (clean) and the same sequence with one run of mutations put back to
what the other class, or the reference, has there (corrupted): so the two differ by nothing else, and whatever restores
the score is of that mutation. Mutations that share a k-mer are one run. The score is the class's logit less the other
class's, or less the mean of all others' against the reference. Each run receives at one place the other's activation
(`spikegeometry.geometry.mutation_patching`), and the effect is the change of the score over the difference between the
two: 0 nothing, 1 all of it. A pair whose scores hardly differ has no such effect; it is left out and counted.

Nulls are slots as variable and as rare that define neither class, in the same pairs, and the untrained network. Known
answers: at layer 1 the mutation's slots alone restore all; a head that copies one slot to [CLS] is found, with all else
under 1 %. Effects are no parts of a sum: what later layers recompute from [CLS] restores the effect once more. For L
layers of H heads a pair costs about 3 H L^2 / 2 layers, twice, whatever the number of genomes; memory is that of one
pair and of one batch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from torch import Tensor

from spikegeometry.analyses.tables import mutation_pairs, patching_tables
from spikegeometry.analyses.tables.patching_tables import AT_CLS, CUT, MATCHED, OTHERS, SLOT
from spikegeometry.analyses.tables.position_tests import position_table, training_spikes
from spikegeometry.dataset import kmers
from spikegeometry.dataset.domains import read_domains
from spikegeometry.dataset.encoding import Encoder, encode_batch, open_split
from spikegeometry.dataset.samples import split_sample
from spikegeometry.dataset.vocabulary import read_vocabulary
from spikegeometry.genomes.definitions import covering, defined_in_gene
from spikegeometry.genomes.fasta import read_single
from spikegeometry.geometry import mutation_patching as patches
from spikegeometry.geometry.head_ablation import Network
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import progress
from spikegeometry.model.classifier import load_classifier
from spikegeometry.model.data import EncodedRows
from spikegeometry.model.prediction import logits
from spikegeometry.spikes.summary import read_forms
from spikegeometry.stats.findings import findings_table
from spikegeometry.streams import Stream

KEY = "analyses.mutation_patching"
# Why a pair of sequences does not count: the model reads the same k-mers; their scores hardly differ.
SAME, UNCHANGED = "same k-mers", "unchanged"


@dataclass(frozen=True)
class Case:
    """A pair of sequences as the network reads it: token ids (2, n), and tokens by their names.

    labels: what is known of the run of mutations and of the sequence, with the change of the score and the reason why
    it does not count, or "".
    """

    labels: dict[str, Any]
    ids: np.ndarray
    tokens: dict[str, list[int]]


def measure(
    model: str,
    test: str,
    vocabulary: str,
    reference: str,
    spikes: str,
    splits: str,
    domains: str,
    definitions: str,
    attributions: str | list,
    classes: Sequence[str],
    layers: Sequence[int],
    heads: Sequence[int],
    pairs: Sequence[Sequence[str]],
    most_pairs: int,
    named: Sequence[str],
    mutations: int,
    sequences_per_class: int,
    matches: int,
    least_change: float,
    share: float,
    coordinates: str,
    start: int,
    end: int,
    k: int,
    stride: int,
    analysed_per_class: int,
    batch_size: int,
    bootstrap: int,
    confidence: float,
    device: torch.device,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Effects of patches and cuts at the slots of a class's mutations, and at [CLS], against matched slots.

    In native coordinates only mutations that shift nothing, no deletions, have pairs.

    Parameters
    ----------
    model: folder. test: encoded split. vocabulary: of the k-mers. reference: FASTA of the reference genome.
    spikes, splits: Parquet of the genes and of their splits. domains: table of parts of the protein. definitions: table
    of defining mutations, of which those count that at least `share` of a class's genomes have.
    attributions: Parquet of the class means of every k-mer, of the analysis of that name; empty without it.
    classes: names in the order of the outputs. layers, heads: to be patched; all where none is named.
    pairs: of a class and another or `reference`; each class and the reference where none is named. most_pairs: of them.
    named: mutations that are patched first. mutations: runs of a pair that are patched, those with the largest effect.
    sequences_per_class: distinct test sequences. matches: windows among which matched slots are drawn.
    least_change: of the score, for a pair of sequences to count.
    coordinates: `native` or `projected`. start, end: first and last base of the gene in the reference, from 1.
    k, stride: of the k-mers, in bases. analysed_per_class: training sequences by which slots are matched.
    batch_size, device: of the model. bootstrap: samples of intervals.

    Returns
    -------
    table: effects by run of mutations, site, tokens, layer, head and direction, with intervals. findings. mutations:
    every run with its effect on the score, and what was left out. readout: where each is read and written. agreement:
    rank correlations with attention and attributions. effects: of each pair of sequences.
    """
    network = Network(load_classifier(model, classes, device).requires_grad_(False))
    patching = patches.Patching(
        network,
        choose(layers, range(1, len(network.layers) + 1), f"{KEY}.layers"),
        choose(heads, range(1, network.heads + 1), f"{KEY}.heads"),
        batch_size,
    )
    wanted = mutation_pairs.contrasts(pairs, classes, most_pairs, KEY)
    gene = read_single(reference).sequence[start - 1 : end]
    defined = defined_in_gene(definitions, list(classes), share, start, end, insertions=False)
    none = pd.DataFrame(columns=["mutation", "first", "last", "inserted"])
    runs = {
        (own, other): mutation_pairs.telling_runs(gene, defined.get(own, none), defined.get(other, none), k, stride)
        for own, other in wanted
    }
    mutation_pairs.check_named(named, [run for several in runs.values() for run in several], f"{KEY}.named")
    measured = list(dict.fromkeys(own for own, _ in wanted))
    sample = split_sample(open_split(test), measured, sequences_per_class, seed)
    forms = read_forms(spikes, sample["accession"])
    training = training_spikes(spikes, splits, analysed_per_class, seed)
    positions = position_table(training, gene, read_domains(domains), measured, {}, k, stride)
    slots = kmers.token_bases(np.arange(1, kmers.kmer_count(len(gene), k, stride) + 1), k, stride)
    defining = {name: covering(defined.get(name, none), *slots) for name in [*classes, mutation_pairs.REFERENCE]}
    encoder = Encoder(read_vocabulary(vocabulary), stride)
    generator = np.random.default_rng([seed, Stream.PATCHING_WINDOWS])

    known: list[dict[str, Any]] = []
    found: list[pd.DataFrame] = []
    for (own, other), several in runs.items():
        alike = positions[positions["class"] == own]
        starts = [
            mutation_pairs.matched_starts(alike, run, defining[own] | defining[other], matches) for run in several
        ]
        candidates = mutation_pairs.candidates(
            {"class": own, "against": other},
            several,
            starts,
            sample[sample["class"] == own],
            forms,
            coordinates,
            k,
            stride,
            generator,
        )
        weights = patching_tables.score_weights(own, other, classes)
        cases = screened(network, encoder, candidates, weights, least_change, batch_size)
        chosen = patching_tables.chosen_mutations([case.labels for case in cases], named, mutations)
        known += [case.labels | {"patched": case.labels["mutation"] in chosen} for case in cases]
        counted = [case for case in cases if case.labels["mutation"] in chosen and not case.labels["reason"]]
        for case in progress(counted, f"pairs of {own} and {other} patched", len(counted)):
            found.append(effects_of(patching, case, weights, device).assign(pair=len(found)))

    how = bootstrap, confidence, seed
    effects = pd.concat([pd.DataFrame(columns=["pair", *patching_tables.EFFECTS]), *found], ignore_index=True)
    effects = effects.astype({"value": float})
    table = patching_tables.effect_table(effects, *how)
    changes = patching_tables.mutation_table(pd.DataFrame(known, columns=patching_tables.CASES), *how)
    compared, remark = patching_tables.attributed(attributions, coordinates)
    agreement = patching_tables.agreement_table(table, changes, compared)
    return {
        "table": table,
        "findings": findings_table(patching_tables.patching_findings(table, agreement, remark, confidence)),
        "mutations": changes,
        "readout": patching_tables.readout_table(table),
        "agreement": agreement,
        "effects": effects,
    }


def screened(
    network: Network,
    encoder: Encoder,
    candidates: Sequence[mutation_pairs.Candidate],
    weights: np.ndarray,
    least_change: float,
    batch_size: int,
) -> list[Case]:
    """The candidates as the network reads them, and how their score, the logits by `weights` (K,), changes."""
    pairs = [(one.clean, one.corrupted) for one in candidates if not one.reason]
    read = _read(network, encoder, pairs, weights, batch_size)
    cases = []
    for one in candidates:
        if one.reason:
            cases.append(Case(one.labels | {"reason": one.reason, "change": np.nan}, np.empty((2, 0)), {}))
            continue
        ids, change = next(read)
        slots = np.flatnonzero(ids[patches.CLEAN] != ids[patches.CORRUPTED]).tolist()
        reason = SAME if not slots else UNCHANGED if abs(change) < least_change else ""
        tokens = {SLOT: slots, MATCHED: sorted(set(one.matched) - set(slots))}
        cases.append(Case(one.labels | {"reason": reason, "change": change if slots else np.nan}, ids, tokens))
    return cases


def _read(
    network: Network, encoder: Encoder, pairs: Sequence[tuple[str, str]], weights: np.ndarray, batch_size: int
) -> Iterator[tuple[np.ndarray, float]]:
    """Token ids (2, n) of each pair of texts, and the score of the first less that of the second."""
    if not pairs:
        return
    texts = [text for pair in pairs for text in pair]
    columns = {"accession": [""] * len(texts), "class": [""] * len(texts), "sequence": texts}
    encoded = pa.Table.from_batches([encode_batch(pa.RecordBatch.from_pydict(columns), "sequence", encoder, [])])
    scores = logits(network.model, encoded, batch_size).astype(float) @ weights
    rows = EncodedRows(encoded)
    for first in range(0, len(texts), 2):
        yield np.stack([rows[first], rows[first + 1]]), scores[first] - scores[first + 1]


@torch.inference_mode()
def effects_of(patching: patches.Patching, case: Case, weights: np.ndarray, device: torch.device) -> pd.DataFrame:
    """EFFECTS of all patches and cuts of a pair of sequences, whose score is the logits by `weights` (K,)."""

    def scores(several: Tensor) -> np.ndarray:
        return several.double().cpu().numpy() @ weights

    pair = patching.run(torch.from_numpy(case.ids).to(device))
    at = {name: tokens for name, tokens in case.tokens.items() if tokens}
    others = np.setdiff1d(np.arange(case.ids.shape[1]), [*patches.CLS, *case.tokens[SLOT]]).tolist()
    places, several = patching.patched(pair, at | {AT_CLS: patches.CLS}, {OTHERS: others})
    closed, without = patching.cut(pair, at)
    clean, corrupted = scores(pair.logits)
    found = [
        (place, direction, "effect", value)
        for direction, values in patches.restored(clean, corrupted, scores(several)).items()
        for place, value in zip(places, values, strict=True)
    ]
    values = patches.lost(clean, corrupted, scores(without))
    found += [(place, CUT, "effect", value) for place, value in zip(closed, values, strict=True)]
    for name, tokens in at.items():
        paid = patching.attention(pair, tokens).double().cpu().numpy()
        for (row, column), value in np.ndenumerate(paid):
            place = patches.Place(patches.HEAD, name, patching.layers[row], patching.heads[column])
            found.append((place, "", "attention", value))
    rows = pd.DataFrame([(*place, *others) for place, *others in found], columns=[*patching_tables.PLACES, "value"])
    return rows.assign(**{name: case.labels[name] for name in [*patching_tables.RUNS, "input"]})
