"""Tokens that differ from the reference's, native and projected, and what they say about the class."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from spikegeometry.analyses.tables.token_evidence import accuracy_table, sample_rows, slot_information, version_calls
from spikegeometry.dataset.reading import read_sets
from spikegeometry.genomes.fasta import read_single
from spikegeometry.geometry import token_divergence as divergence
from spikegeometry.geometry.placement import ascii_codes, placed_sequences
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import progress
from spikegeometry.spikes.summary import parse_indels
from spikegeometry.stats.summaries import class_medians, measurement_table

COLUMNS = ["accession", "class", "native", "projected", "deletions", "insertions"]
LABELS, PLACES = ["class", "accession", "set", "input"], ["set", "coordinates", "version"]

logger = logging.getLogger(__name__)


def measure(
    spikes: str,
    splits: str,
    external: dict[str, str],
    reference: str,
    start: int,
    end: int,
    classes: Sequence[str],
    selected_classes: Sequence[str],
    sequences_per_class: int,
    analysed_per_class: int,
    shuffles: int,
    k: int,
    stride: int,
    confidence: float,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Counts of k-mers by how they differ, the information of each slot on the class, and accuracy without the frame.

    Parameters
    ----------
    spikes, splits: Parquet of the genes and of their splits; external: Parquet of other sets, by name.
    reference: FASTA of the reference genome. start, end: first and last base of the gene in it, from 1.
    classes: names. selected_classes: to be measured; all where none is named.
    sequences_per_class: whose information is measured.
    analysed_per_class: of each set that are counted. shuffles: of the classes, for the information by chance.
    k, stride: of the k-mers, in bases.

    Returns
    -------
    table: medians by class, set, coordinates and version, and accuracies, with intervals. sequences: in each sequence.
    slots: shares of differing k-mers and information by slot.
    """
    cut = k, stride
    bases = ascii_codes(read_single(reference).sequence[start - 1 : end])
    selected = choose(selected_classes, classes, "analyses.token_divergence.classes")
    table = read_sets(spikes, splits, external, COLUMNS, analysed_per_class, seed)
    kinds_of: dict[tuple, list[np.ndarray]] = defaultdict(list)

    def measured() -> Iterator[dict]:
        for row, forms in _in_both_forms(table[table["class"].isin([*selected, "other"])]):
            for form, sequence in forms.items():
                kinds = divergence.token_kinds(*sequence, bases, *cut)
                kinds_of[("set", row["set"]), ("class", row["class"]), ("coordinates", form)].append(kinds)
                labels = {name: row[name] for name in LABELS} | {"coordinates": form, "version": divergence.AS_IS}
                yield labels | divergence.token_counts(kinds, *sequence, bases, *cut)

    measurements = measurement_table(measured())
    medians = class_medians(measurements, [*selected, "other"], PLACES, list(divergence.COUNTS), confidence)
    shares = (dict(place) | divergence.differing_shares(kinds, bases, *cut) for place, kinds in kinds_of.items())
    sample = sample_rows(table[table["class"].isin(classes)], sequences_per_class, seed)
    versions = pd.DataFrame(
        row | version for row, forms in _in_both_forms(sample) for version in divergence.versions(forms, bases)
    )
    information = slot_information(versions, *cut, shuffles, seed)
    accuracies = accuracy_table(version_calls(versions, classes, *cut), selected, PLACES, confidence)
    return {
        "table": pd.concat([medians, accuracies]),
        "sequences": measurements,
        "slots": pd.concat([measurement_table(shares), information]),
    }


def _in_both_forms(rows: pd.DataFrame) -> Iterator[tuple[dict, dict[str, tuple[np.ndarray, np.ndarray]]]]:
    """Rows with their sequence in native and projected form, by placed bases."""
    for row in progress(rows.to_dict("records"), "spikes", len(rows)):
        indels = parse_indels(row["deletions"], row["insertions"])
        if forms := placed_sequences(row["native"], row["projected"], indels):
            yield row, forms
        else:
            logger.warning("%s is left out: a part of its gene is not aligned.", row["accession"])
