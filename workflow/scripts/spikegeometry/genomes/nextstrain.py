"""The source `nextstrain`: Nextstrain's open files, one table of metadata and one FASTA of all genomes."""

import logging
from array import array
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from spikegeometry.genomes.classification import ClassRules, plain_clade
from spikegeometry.genomes.cleaning import Rejection
from spikegeometry.genomes.fasta import read_fasta
from spikegeometry.genomes.names import plain_name
from spikegeometry.genomes.remote import Remote
from spikegeometry.genomes.rows import broken_row, read_rows, readable
from spikegeometry.genomes.sources import Genome
from spikegeometry.logs import progress

# Where a column was renamed, the newest name first.
COLUMNS = {
    "strain": ("strain", "name"),
    "accession": ("genbank_accession", "accession", "gisaid_epi_isl"),
    "date": ("date", "collection_date"),
    "country": ("country",),
    "pango": ("pango_lineage", "pangolin_lineage", "Nextclade_pango", "lineage"),
    "nextstrain_clade": ("Nextstrain_clade", "clade_nextstrain", "clade_membership", "clade"),
    "quality": ("QC_overall_status", "qc.overallStatus"),
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
        self.items: list[Any] = []
        self._size, self._seen = size, 0
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
    the run; how many, and by which filter, is logged. Broken rows, and genomes that pass but whose class is unknown or
    contradicted, are rejected.

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
    outcomes: Counter[str] = Counter()
    strains = array("q")
    filters = {"quality": "quality", "date": "date_from", "pango": "lineages", "nextstrain_clade": "clades"}
    optional = {"accession", "country", *(field for field, setting in filters.items() if not block[setting])}
    rows = read_rows(metadata, COLUMNS, f"{key}.metadata", optional - set(block["classes_by"]))
    for row in progress(rows, "rows of metadata"):
        strain = row.values.get("strain", "")
        if row.problem or not strain:
            outcomes["broken row"] += 1
            yield broken_row(metadata, row) if row.problem else broken_row(metadata, row, "no_name", "no strain")
            continue
        strains.append(hash(plain_name(strain)))
        outcome, chosen = _choose(row.values, block, rules)
        if isinstance(outcome, Rejection):
            yield _rejected(row.values, outcome)
            outcome = outcome.reason
        elif chosen and chosen.class_name not in reservoirs:
            outcome, chosen = "no class of the run", None
        outcomes[outcome] += 1
        if chosen:
            reservoirs[chosen.class_name].add((strain, chosen))
    for outcome, n in outcomes.most_common():
        logger.info("metadata: %s: %s rows", outcome, f"{n:,}")
    sampled = [item for reservoir in reservoirs.values() for item in reservoir.items]
    missing, repeated = {}, _repeated(strains)
    for strain, chosen in sampled:
        if hash(name := plain_name(strain)) in repeated:
            detail = f"The metadata have several genomes called {strain}, the name by which its sequence is found."
            yield _genome(chosen, None)._replace(rejection=Rejection("ambiguous_name", detail))
        else:
            missing[name] = chosen
    for record in progress(read_fasta(sequences), "sequences") if missing else ():
        if chosen := missing.pop(plain_name(readable(record.name)), None):
            yield _genome(chosen, record.sequence)
            if not missing:
                return
    for chosen in missing.values():
        yield _genome(chosen, None)


def _repeated(hashes: array) -> set[int]:
    """The hashes that are there more than once."""
    values, counts = np.unique(np.array(hashes, np.int64), return_counts=True)
    return set(values[counts > 1].tolist())


def _choose(row: dict[str, str], block: dict, rules: ClassRules) -> tuple[str | Rejection, _Chosen | None]:
    """What became of a row, and what is known of its genome where it passes."""
    if block["quality"] and row["quality"] not in block["quality"]:
        return "quality", None
    # Dates such as 2021-XX-XX compare as text: a bound within 2021 leaves them out at one of its ends.
    if not (block["date_from"] or "") <= row["date"] <= (block["date_to"] or "9999"):
        return "date", None
    if block["clades"] and plain_clade(row["nextstrain_clade"]) not in block["clades"]:
        return "clade", None
    if block["lineages"] and not any(rules.is_of(row["pango"], pattern) for pattern in block["lineages"]):
        return "lineage", None
    result = rules.classify({kind: row[kind] for kind in block["classes_by"]})
    if isinstance(result, Rejection):
        return result, None
    return "pass", _Chosen(_accession(row), *result, row["date"], row["country"], row["pango"])


def _accession(row: dict[str, str]) -> str:
    return row["accession"] if row["accession"] not in ("", "?") else row["strain"]


def _rejected(row: dict[str, str], rejection: Rejection) -> Genome:
    known = _Chosen(_accession(row), "", "", row["date"], row["country"], row["pango"])
    return _genome(known, None)._replace(rejection=rejection)


def _genome(chosen: _Chosen, sequence: str | None) -> Genome:
    known = chosen.rule, chosen.date, chosen.country, chosen.lineage
    return Genome(chosen.accession, chosen.class_name, sequence, "", *known)
