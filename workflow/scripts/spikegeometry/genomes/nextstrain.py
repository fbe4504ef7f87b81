"""The source `nextstrain`: Nextstrain's open files, one table of metadata and one FASTA of all genomes."""

import logging
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from spikegeometry.genomes.classification import ClassRules
from spikegeometry.genomes.cleaning import Rejection
from spikegeometry.genomes.fasta import read_fasta
from spikegeometry.genomes.labels import read_rows
from spikegeometry.genomes.remote import Remote
from spikegeometry.genomes.sources import Genome
from spikegeometry.logs import progress

COLUMNS = {
    "strain": "strain",
    "accession": "genbank_accession",
    "date": "date",
    "country": "country",
    "pango": "pango_lineage",
    "nextstrain_clade": "Nextstrain_clade",
    "quality": "QC_overall_status",
}

logger = logging.getLogger(__name__)


class _Chosen(NamedTuple):
    """What the metadata say of a genome, before its sequence is read."""

    accession: str
    class_name: str
    rule: str
    date: str
    country: str
    lineage: str


class Reservoir:
    """A uniform sample of at most `size` of the items that pass, whatever their number (Vitter 1985, algorithm R)."""

    def __init__(self, size: int, seed: list[int]):
        self.items, self._size, self._seen = [], size, 0
        self._rng = np.random.default_rng(seed)

    def add(self, item) -> None:
        self._seen += 1
        if len(self.items) < self._size:
            self.items.append(item)
        elif (place := int(self._rng.integers(self._seen))) < self._size:
            self.items[place] = item


def read_nextstrain(
    block: dict, rules: ClassRules, classes: list[str], remote: Remote, seed: int, key: str
) -> Iterator[Genome]:
    """Yield a seeded sample of at most `per_class` genomes of each class that pass the filters.

    The metadata are read once, the sequences once. Genomes that the filters or the sample leave out are no records of
    the run; how many, and by which filter, is logged.

    Parameters
    ----------
    block: the source's block of the config (base_url, metadata, sequences and their SHA-256, classes_by, lineages,
        clades, date_from, date_to, quality, per_class).
    rules: give the classes.
    classes: those to sample.
    remote: fetches the files.
    key: config key of the block, for messages.
    """
    base = block["base_url"].rstrip("/")
    metadata = remote.fetch(f"{base}/{block['metadata']}", block["metadata_sha256"])
    sequences = remote.fetch(f"{base}/{block['sequences']}", block["sequences_sha256"])
    reservoirs = {name: Reservoir(block["per_class"], [seed, index]) for index, name in enumerate(classes)}
    outcomes = Counter()
    for _, row in progress(read_rows(metadata, COLUMNS, f"{key}.metadata"), "rows of metadata"):
        outcome, chosen = _choose(row, block, rules)
        if chosen and chosen.class_name not in reservoirs:
            outcome, chosen = "no class of the run", None
        outcomes[outcome] += 1
        if chosen:
            reservoirs[chosen.class_name].add((row["strain"], chosen))
    for outcome, n in outcomes.most_common():
        logger.info("metadata: %s: %s rows", outcome, f"{n:,}")
    sampled = dict(item for reservoir in reservoirs.values() for item in reservoir.items)
    missing = dict(sampled)
    for record in progress(read_fasta(sequences), "sequences"):
        if record.name in missing:
            yield _genome(missing.pop(record.name), record.sequence)
            if not missing:
                return
    for chosen in missing.values():
        yield _genome(chosen, None)


def _choose(row: dict[str, str], block: dict, rules: ClassRules) -> tuple[str, _Chosen | None]:
    """What became of a row, and what is known of its genome where it passes."""
    if block["quality"] and row["quality"] not in block["quality"]:
        return "quality", None
    # Dates such as 2021-XX-XX compare as text: a bound within 2021 leaves them out at one of its ends.
    if not (block["date_from"] or "") <= row["date"] <= (block["date_to"] or "9999"):
        return "date", None
    if block["clades"] and row["nextstrain_clade"].split(" (")[0] not in block["clades"]:
        return "clade", None
    if block["lineages"] and not any(rules.is_of(row["pango"], pattern) for pattern in block["lineages"]):
        return "lineage", None
    result = rules.classify({kind: row[kind] for kind in block["classes_by"]})
    if isinstance(result, Rejection):
        return result.reason, None
    accession = row["accession"] if row["accession"] not in ("", "?") else row["strain"]
    return "pass", _Chosen(accession, *result, row["date"], row["country"], row["pango"])


def _genome(chosen: _Chosen, sequence: str | None) -> Genome:
    accession, class_name, *known = chosen
    return Genome(accession, class_name, sequence, "", *known)
