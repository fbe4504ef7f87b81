"""The source `ena`: INSDC records by accession, from the European Nucleotide Archive's browser API."""

from collections.abc import Iterator

from spikegeometry.genomes.accessions import INSDC
from spikegeometry.genomes.classification import ClassRules
from spikegeometry.genomes.cleaning import Rejection
from spikegeometry.genomes.fasta import Record, read_fasta
from spikegeometry.genomes.labels import read_table_labels
from spikegeometry.genomes.remote import NotFound, Remote
from spikegeometry.genomes.sources import Genome


def read_ena(block: dict, rules: ClassRules | None, remote: Remote, key: str) -> Iterator[Genome]:
    """Yield the genome of every accession of a table, in its order; without sequence where the archive has none.

    Each batch is a file of the cache, so that a run that was broken off goes on with the next one.

    Parameters
    ----------
    block: the source's block of the config (labels and its columns, base_url, batch_size).
    rules: give the classes where the table has no column of them.
    remote: fetches the batches.
    key: config key of the block, for messages.
    """
    labels = read_table_labels(block, rules, key)
    yield from labels.rejected
    accessions = []
    for name, label in labels.by_name.items():
        if INSDC.fullmatch(name):
            accessions.append(name)
        else:
            detail = f"{name[:80]!r} is no accession of INSDC, as OM990851 or OM990851.1."
            yield label._replace(rejection=Rejection("no_accession", detail)).genome(name, None)
    size = block["batch_size"]
    for start in range(0, len(accessions), size):
        batch = accessions[start : start + size]
        records: dict[str, set[str | None]] = {}
        for record in _fetch_records(batch, block["base_url"], remote):
            records.setdefault(record.name, set()).add(record.sequence)
        for name in batch:
            label, found = labels.by_name[name], records.get(name, {None})
            if len(found) > 1:
                rejection = Rejection("ambiguous_name", "The archive has several sequences of this accession.")
                label = label._replace(rejection=rejection)
            yield label.genome(name, found.pop())


def _fetch_records(accessions: list[str], base_url: str, remote: Remote) -> Iterator[Record]:
    """Records by the accession that was asked for; a batch that is not found as a whole is asked for in halves."""
    try:
        path = remote.fetch(f"{base_url.rstrip('/')}/fasta/{','.join(accessions)}")
    except NotFound:
        if len(accessions) > 1:
            middle = len(accessions) // 2
            yield from _fetch_records(accessions[:middle], base_url, remote)
            yield from _fetch_records(accessions[middle:], base_url, remote)
        return
    if not path.stat().st_size:
        return
    asked = set(accessions)
    for record in read_fasta(path):
        # ENA|OM990851|OM990851.1 Severe acute respiratory syndrome ...
        names = record.name.partition(" ")[0].split("|")
        for name in {*names, *(name.partition(".")[0] for name in names)} & asked:
            yield Record(name, record.sequence)
