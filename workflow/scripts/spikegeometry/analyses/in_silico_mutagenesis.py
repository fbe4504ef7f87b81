"""What the network makes of every substitution of a residue: in the reference, and in one sequence of each class.

A residue is given each of the other amino acids, by the codon with the fewest base changes from its own; of equals one
whose k-mers the vocabulary has, the first in alphabetical order. Only the k-mers that cover the codon differ. The
scores are the change of the logarithm of each class's probability and, from the masked model, the logarithm of the
probability of the new k-mers less that of the old ones, with these k-mers masked (Meier et al. 2021). Substitutions
whose k-mers are no words of the vocabulary are read as [UNK], so that the classifier cannot tell them apart and the
masked model has no probability for them: `unknown` counts such k-mers.

Substitutions shift nothing, so that both coordinates are measured; deletions and insertions are not made. Nulls are
random draws among the same substitutions, those without [UNK] alone among them, and the untrained network. Known
answers: scores are those of sequences that are made and encoded anew, and the own codon's are 0. Memory is that of one
batch and of the scores; the sequences have a ceiling, and training sequences are sampled.
"""

import logging
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import torch

from spikegeometry.analyses.tables import mutagenesis_tables as tables
from spikegeometry.analyses.tables import substitutions as made
from spikegeometry.analyses.tables.measured_values import read_measurements
from spikegeometry.analyses.tables.mutation_pairs import symbols_and_places
from spikegeometry.analyses.tables.position_tests import training_spikes
from spikegeometry.dataset.encoding import Encoder
from spikegeometry.dataset.vocabulary import read_vocabulary
from spikegeometry.genomes.definitions import defined_in_gene, named_mutations
from spikegeometry.genomes.fasta import read_single
from spikegeometry.geometry.placement import ascii_codes
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import progress
from spikegeometry.model.classifier import load_classifier
from spikegeometry.model.masked import has_masked_head, load_masked_model
from spikegeometry.model.substitution import log_probability_changes, masked_changes
from spikegeometry.sequences.translation import translate
from spikegeometry.spikes.summary import read_forms
from spikegeometry.stats.findings import findings_table
from spikegeometry.streams import Stream

KEY = "analyses.in_silico_mutagenesis"
SCORES = ["sequence", "residue", "own", "amino_acid", "codon", "changes", "unknown", "defines", "masked"]
LEFT_OUT = ["sequence", "accession", "copies", "residue", "reason", "left_out"]

logger = logging.getLogger(__name__)


def measure(
    model: str,
    masked: str,
    test: str,
    vocabulary: str,
    reference: str,
    spikes: str,
    splits: str,
    definitions: str,
    measurements: str,
    classes: Sequence[str],
    selected_classes: Sequence[str],
    most_sequences: int,
    residues: Sequence[int],
    most_residues: int | None,
    cutoffs: Sequence[int],
    permutations: int,
    share: float,
    coordinates: str,
    start: int,
    end: int,
    stride: int,
    analysed_per_class: int,
    batch_size: int,
    bootstrap: int,
    confidence: float,
    device: torch.device,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Scores of all substitutions of some residues, and how far they pick out what defines the classes.

    Parameters
    ----------
    model, masked: folders of the classifier and of the masked model; of one without a head there are no masked scores.
    test: encoded split. vocabulary: of the k-mers. reference: FASTA of the reference genome.
    spikes, splits: Parquet of the genes and of their splits. definitions: table of defining mutations, of which those
    count that at least `share` of a class's genomes have; empty for none. measurements: table of measured values of
    substitutions (`tables.measured_values`); empty for none.
    classes: names in the order of the outputs. selected_classes: of which a sequence is taken, the most frequent of the
    test split; all where none is named. most_sequences: that are taken, the reference first.
    residues: that are measured; where none is named, at most `most_residues` as `tables.substitutions.chosen_residues`
    takes them, all where that is None.
    cutoffs: numbers k of substitutions of which precision is taken. permutations: of residues.
    coordinates: `native` or `projected`. start, end: first and last base of the gene in the reference, from 1.
    stride: of the k-mers, in bases. analysed_per_class: training sequences by which residues vary.
    batch_size, device: of the models. bootstrap: samples of intervals.

    Returns
    -------
    table: precision at k beside that of random draws. findings. scores: of each substitution. residues: of each
    sequence, why a residue is measured and why it is left out. correlations: with measured values.
    """
    gene = read_single(reference).sequence[start - 1 : end]
    protein = translate(gene).removesuffix("*")
    defined = defined_in_gene(definitions, list(classes), share, start, end, insertions=False) if definitions else {}
    defining = made.defined_substitutions(named_mutations(defined, gene))
    training = training_spikes(spikes, splits, analysed_per_class, seed)
    chosen = made.chosen_residues(
        residues,
        most_residues,
        [residue for residue, _ in defining],
        made.residue_variation(training["projected"], translate(gene))[: len(protein)],
        np.random.default_rng([seed, Stream.MUTAGENESIS_RESIDUES]),
        KEY,
    )
    measured, compared = None, f"not compared: no table of measured values is named ({KEY}.measurements)"
    if measurements:
        measured, unread = read_measurements(measurements, protein, f"{KEY}.measurements")
        compared = "left out: " + "; ".join(f"{count} {reason}" for reason, count in unread.items())

    network = load_classifier(model, classes, device).requires_grad_(False)
    reader = load_masked_model(masked, device).requires_grad_(False) if has_masked_head(masked) else None
    if reader is None:
        logger.warning("%s has no head for masked k-mers (config key model.base): it scores no substitution.", masked)
    encoder = Encoder(read_vocabulary(vocabulary), stride)
    taken = choose(selected_classes, classes, f"{KEY}.classes")[: most_sequences - 1]
    found, reasons = [], []
    several = list(_sequences(gene, test, spikes, taken, coordinates))
    for name, accession, copies, symbols, places in progress(several, "sequences with substitutions", len(several)):
        own, left_out = made.substitutions(symbols, places, chosen["residue"], encoder)
        rows = chosen.assign(left_out=chosen["residue"].map(left_out).fillna(""))
        reasons.append(rows.assign(sequence=name, accession=accession, copies=copies)[LEFT_OUT])
        if not own:
            continue
        ids = encoder.encode([symbols.tobytes().decode("ascii")])[0]
        edits = [one.edit for one in own]
        changes = log_probability_changes(network, ids, edits, batch_size)
        table = pd.DataFrame([one._asdict() for one in own]).drop(columns="edit").assign(sequence=name)
        table["defines"] = [";".join(defining.get((one.residue, one.amino_acid), ())) for one in own]
        table["masked"] = masked_changes(reader, ids, edits, batch_size) if reader else np.nan
        columns = [tables.change_of(one) for one in classes]
        found.append(pd.concat([table[SCORES], pd.DataFrame(changes, columns=columns)], axis=1))
    empty = pd.DataFrame(columns=[*SCORES, *(tables.change_of(one) for one in classes)])
    scores = pd.concat(found, ignore_index=True) if found else empty
    precision = tables.precision_table(scores, classes, cutoffs, confidence)
    correlations = pd.DataFrame(columns=tables.CORRELATIONS)
    if measured is not None:
        random = [seed, Stream.MUTAGENESIS_PERMUTATIONS]
        correlations = tables.correlation_table(scores, measured, classes, permutations, bootstrap, confidence, random)
    return {
        "table": precision,
        "findings": findings_table(tables.mutagenesis_findings(precision, correlations, compared, confidence)),
        "scores": scores,
        "residues": pd.concat(reasons, ignore_index=True),
        "correlations": correlations,
    }


def _sequences(
    gene: str, test: str, spikes: str, classes: Sequence[str], coordinates: str
) -> Iterator[tuple[str, str, int, np.ndarray, np.ndarray]]:
    """Name, accession, copies, symbols and places of the reference and of the representative of each class."""
    yield tables.REFERENCE, "", 1, ascii_codes(gene), np.arange(len(gene))
    chosen = made.representatives(test, classes)
    if chosen:
        forms = read_forms(spikes, [accession for accession, _ in chosen.values()])
    for name, (accession, copies) in chosen.items():
        yield name, accession, copies, *symbols_and_places(forms.loc[accession], coordinates)
